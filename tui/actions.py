"""What a person can do on the dashboard: one table for keys, footer, help and command palette."""

from typing import Final, NamedTuple

from textual.binding import Binding

from tui.text import N_


class Action(NamedTuple):
    """One thing to do. `keys`: comma separated, the first is shown; `footer`: whether the bottom line has it."""

    name: str
    keys: str
    label: str
    help: str
    footer: bool = False


DASHBOARD: Final = (
    Action("app.quit", "q", N_("quit"), N_("Leave. Recording is closed cleanly."), footer=True),
    Action("help", "question_mark,h,f1", N_("help"), N_("This list of keys, and what the words mean."), footer=True),
    Action("pane('latency')", "1", N_("latency"), N_("Go to Latency and loss.")),
    Action("pane('routes')", "2", N_("routes"), N_("Go to Routes.")),
    Action("pane('roce')", "3", N_("RoCE"), N_("Go to RoCE.")),
    Action("pane('advice')", "4", N_("advice"), N_("Go to Advice.")),
    Action("next_pane", "tab", N_("next pane"), N_("Go to the next pane.")),
    Action("previous_pane", "shift+tab", N_("previous pane"), N_("Go to the previous pane.")),
    Action("zoom", "z", N_("zoom"), N_("Let this pane fill the screen, or give it back."), footer=True),
    Action("verdict", "e", N_("evidence"), N_("Why the line at the top says what it says."), footer=True),
    Action("pause", "space,p", N_("pause"), N_("Hold the view. Observing and recording go on."), footer=True),
    Action("step(-1)", "left", N_("back"), N_("Back by one step: a second, or one column of the graph.")),
    Action("step(1)", "right", N_("on"), N_("On by one step.")),
    Action("jump(-60)", "left_square_bracket", N_("minute back"), N_("Back by a minute.")),
    Action("jump(60)", "right_square_bracket", N_("minute on"), N_("On by a minute.")),
    Action("start", "home", N_("start"), N_("To the start of the session.")),
    Action("end", "end", N_("live"), N_("To the end: back to live, or to the end of the recording."), footer=True),
    Action("goto", "g", N_("go to"), N_("Go to a time: 14:02, -5m, yesterday 23:10."), footer=True),
    Action("walk(1)", "n", N_("next event"), N_("To the next mark, outage or change.")),
    Action("walk(-1)", "N", N_("last event"), N_("To the mark, outage or change before this.")),
    Action("faster(1)", "plus,equals_sign", N_("faster"), N_("Play faster, up to 600 times.")),
    Action("faster(-1)", "minus", N_("slower"), N_("Play slower, down to a tenth.")),
    Action("source", "b", N_("next box"), N_("Show the next box, where several were recorded.")),
    Action("packets", "P", N_("packets"), N_("The packets of a replayed capture in this second.")),
    Action("shorter", "less_than_sign", N_("shorter"), N_("Graphs show a shorter time.")),
    Action("longer", "greater_than_sign", N_("longer"), N_("Graphs show a longer time.")),
    Action("filter", "slash", N_("filter"), N_("Show only rows of this pane's table that hold a text.")),
    Action("app.mark", "m", N_("mark"), N_("Mark this moment, to find it again."), footer=True),
    Action("app.wizard", "w", N_("wizard"), N_("Tune this box: plan, try, compare, keep or put back."), footer=True),
    Action("events", "v", N_("events"), N_("List of outages, route changes and marks: go to one, or copy them.")),
    Action("services", "s", N_("services"), N_("Services and ports that are checked: DNS, TCP, TLS, HTTP.")),
    Action("box", "i", N_("this box"), N_("This box: what it counts that is wrong, processors, interfaces, queues.")),
    Action("compare", "c", N_("compare"), N_("Compare before and after a moment, or any two spans.")),
    Action("app.save_screen", "S", N_("save screen"), N_("Save this screen as a picture (SVG).")),
    Action("app.redraw", "ctrl+l", N_("redraw"), N_("Draw the whole screen again.")),
)

WIZARD: Final = (
    Action("go_on", "enter", N_("go on"), N_("The proposed answer, which never changes the box."), footer=True),
    Action("back", "backspace,left,b", N_("back"), N_("A step back; until something is tried."), footer=True),
    Action("leave_out", "space", N_("leave out"), N_("Leave out this change, or take it in again."), footer=True),
    Action("apply", "a", N_("try"), N_("Try the chosen changes; a word is asked for first."), footer=True),
    Action("roll_back", "r", N_("put back"), N_("Put everything back as it was found."), footer=True),
    Action("keep", "k", N_("keep"), N_("Keep the changes, for the next boot too; a word is asked for."), footer=True),
    Action("move(-1)", "up", N_("up"), N_("To the line above.")),
    Action("move(1)", "down", N_("down"), N_("To the line below.")),
    Action("scroll(-1)", "pageup", N_("page up"), N_("Scroll up.")),
    Action("scroll(1)", "pagedown", N_("page down"), N_("Scroll down.")),
    Action("help", "question_mark,h,f1", N_("help"), N_("This list of keys, and what the words mean.")),
    Action("leave", "escape,q", N_("leave"), N_("Close the wizard, but not over a trial."), footer=True),
)


def bindings(actions: tuple[Action, ...]) -> list[Binding]:
    """Return Textual bindings; ids let a keymap move the keys."""
    return [
        Binding(
            action.keys,
            action.name,
            action.label,
            show=action.footer,
            tooltip=action.help,
            id=action.name.removeprefix("app."),
        )
        for action in actions
    ]
