"""Reading capture files: pcap and pcapng, compressed or not, whole or damaged, in bounded memory."""
