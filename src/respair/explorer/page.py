"""The page: controls on one side, panels on the other; the only module with the layout of the widgets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from html import escape
from importlib.resources import files
from typing import Any

import ipywidgets as widgets

from ..hamiltonians import InvalidModel, Model, Problem
from ..studies import parse
from .canvas import Canvas
from .defaults import completed
from .drawn import Drawn
from .engine import Answer, Engine
from .history import History
from .jobs import Job, Latest, Watch
from .links import placed, query_of
from .markup import downloads, message, numbers
from .panels import FIRST, PANELS
from .presets import PHYSICS, PRESETS, preset
from .rows import Heading, Row, row
from .screen import Screen
from .sections import Section, sections, switched
from .sweeps import at

FILES = "files"
"""Panel of the downloads, without figures."""
OWN = "your own"
"""Entry of the list of models for a model file or a changed model."""


class Page:
    """The explorer as a widget.

    Parameters
    ----------
    screen : Screen
        Initial screen.
    title : str
        Title of the model in the list.
    panel : str
        Initial panel.

    Attributes
    ----------
    widget : ipywidgets.Widget
        Widget of the page.
    screen : Screen
        Current screen.
    """

    def __init__(self, screen: Screen, title: str = OWN, panel: str = FIRST) -> None:
        self.screen, self.panel, self._science = completed(screen), panel, panel
        self.model: Model | None = None
        self.answer: Answer | None = None
        self._engine, self._latest = Engine(), Latest(_poster())
        self._rows: dict[object, Row] = {}
        self._history = History()
        self._pinned: Screen | None = None
        self._shown: Sequence[Section] = ()
        self._build(title)
        self.refresh()

    def _build(self, title: str) -> None:
        self._models = widgets.Dropdown(options=[*PRESETS, OWN], value=title, description="Model")
        self._models.observe(self._picked, "value")
        self._upload = widgets.FileUpload(accept=".toml", multiple=False, description="Open a model file")
        self._upload.layout.width = "auto"
        self._upload.observe(self._uploaded, "value")
        self._upload_answer = _html("respair-refused")
        self._tabs = widgets.ToggleButtons(
            options=[*((p.title, n) for n, p in PANELS.items()), ("Files, Python", FILES)],
            value=self.panel,
        )
        self._tabs.observe(self._turned, "value")
        self._physics = _html("respair-physics", physics(title))
        self._undo, self._redo, self._pin = (
            _button(words, tooltip, what)
            for words, tooltip, what in (
                ("Undo", "Undo the last change", lambda: self._turn_back(self._history.undone)),
                ("Redo", "Redo the change", lambda: self._turn_back(self._history.redone)),
                ("Pin", "Keep these results in grey for comparison", self._toggle_pin),
            )
        )
        self._address = _html("respair-address")
        self._clicked = widgets.Text(continuous_update=False)
        self._clicked.add_class("respair-go")
        self._clicked.observe(self._go, "value")
        self._status = _html("respair-said")
        self._cancel = widgets.Button(description="Cancel", disabled=True, tooltip="Stop the calculation")
        self._cancel.on_click(lambda button: self._stop())
        self._canvas, self._numbers = Canvas(), _html("respair-numbers")
        self._controls = widgets.VBox()
        style = widgets.HTML(f"<style>{files(__package__).joinpath('style.css').read_text('utf-8')}</style>")
        head = widgets.HBox(
            [
                _html("respair-title", "<h1>respair explorer</h1>"),
                self._models,
                self._upload,
                self._undo,
                self._redo,
                self._pin,
            ]
        )
        status = widgets.HBox([self._status, self._cancel])
        tabs = widgets.HBox([self._tabs])
        self._main = widgets.VBox([tabs, status, self._canvas.box, self._numbers])
        body = widgets.HBox([self._controls, self._main])
        self.widget = widgets.VBox(
            [style, head, self._upload_answer, self._physics, body, self._address, self._clicked]
        )
        named = {
            "respair": self.widget, "respair-head": head, "respair-body": body, "respair-controls": self._controls,
            "respair-main": self._main, "respair-tabs": tabs, "respair-status": status,
        }  # fmt: skip
        for name, box in named.items():
            box.add_class(name)

    def change(self, how: Callable[[Screen], Screen]) -> None:
        """Change the screen and compute it."""
        changed = completed(how(self.screen))
        if changed != self.screen:
            self._history.note(self.screen)
        self.screen = changed
        self.refresh()

    def _turn_back(self, how: Callable[[Screen], Screen | None]) -> None:
        screen = how(self.screen)
        if screen is not None:
            self.screen, self.model = screen, None
            self._models.value = OWN
            self.refresh()

    def _toggle_pin(self) -> None:
        self._pinned = self.screen if self._pinned is None else None
        self._pin.description = "Pin" if self._pinned is None else "Unpin"
        self.refresh()

    def _edit(self, how: Callable[[Screen], Screen]) -> None:
        self._models.value = OWN
        self.change(how)

    def refresh(self) -> None:
        """Check the screen, show problems next to their controls, and compute a valid screen."""
        problems: Sequence[Problem] = ()
        lacking = ""
        try:
            self.model = self.screen.study(PANELS[FIRST].asks).model
            lacking = PANELS[self._science].lacks(self.model)
            if not lacking:
                self.screen.checked(PANELS[self._science].asks)
        except InvalidModel as error:
            problems = error.problems
        self._lay_out()
        self._tell(problems)
        self._undo.disabled, self._redo.disabled = (not can for can in self._history.can)
        if not problems:
            self._address.value = placed(query_of(self.screen, self._science))
        if problems or lacking:
            self._latest.cancel()
            self._idle()
        if lacking:
            self._failed(lacking)
        elif not problems:
            self._compute()

    def _lay_out(self) -> None:
        """Show the controls of the screen; the widgets of unchanged rows are reused."""
        if self.model is None:
            return
        wanted = tuple(sections(self.screen, self.model, self._science))
        if wanted != self._shown:
            self._shown = wanted
            self._controls.children = [self._section(section) for section in wanted]
        for section in wanted:
            for entry in section.entries:
                self._rows[entry].show(self.screen)

    def _section(self, section: Section) -> widgets.Widget:
        if section.title not in self._rows:
            self._rows[section.title] = Heading(section, self.switch)
        for entry in section.entries:
            if entry not in self._rows:
                self._rows[entry] = row(entry, self._edit)
        heading = self._rows[section.title]
        heading.show(self.screen)
        return widgets.VBox([heading.box, *(self._rows[entry].box for entry in section.entries)])

    def _tell(self, problems: Sequence[Problem]) -> None:
        rows = [self._rows[entry] for section in self._shown for entry in section.entries]
        rest = list(problems)
        for each in rows:
            found = next((p for p in rest if each.concerns(p)), None)
            each.tell(found)
            rest = [p for p in rest if p is not found]
        if problems:
            words = "; ".join(map(str, rest)) or "The results are those of the last valid parameters."
            self._say(words, wrong=bool(rest))
            self._main.add_class("respair-old")

    def _compute(self) -> None:
        screen, panel, with_files, pinned = self.screen, self._science, self.panel == FILES, self._pinned

        def work(job: Job) -> None:

            def post(what: Callable[[], None]) -> None:
                self._latest.post(lambda: what() if job.wanted else None)

            watch = Watch(lambda text: post(lambda: self._working(text, job)))
            try:
                other = None if with_files else self._compared(screen, panel, watch, pinned)
                drawn = Drawn(panel, other)

                def draw(answer: Answer) -> None:
                    for number, picture in drawn.of(answer):
                        post(partial(self._place, panel, number, picture))
                    if answer.counted:
                        post(partial(self._count, answer, numbers(answer, other)))

                answer = self._engine.answer(screen, panel, watch, (lambda part: None) if with_files else draw)
                if with_files:
                    post(partial(self._show_files, answer, downloads(answer, panel)))
                else:
                    draw(answer)
                    post(partial(self._finish, answer, numbers(answer, other)))
            except Exception as error:  # the page reports any error and continues
                post(partial(self._failed, str(error) or type(error).__name__))

        self._main.add_class("respair-busy")
        self._latest.submit(work)

    def _compared(self, screen: Screen, panel: str, watch: Watch, pinned: Screen | None) -> Answer | None:
        """Return the answer of the pinned screen, if it differs and has this panel."""
        if pinned is None or pinned == screen or PANELS[panel].lacks(pinned.study(PANELS[FIRST].asks).model):
            return None
        return self._engine.answer(pinned, panel, watch, lambda part: None)

    def _place(self, panel: str, number: int, picture: str) -> None:
        if panel == self.panel:
            self._canvas.put(panel, number, picture)
            self._main.remove_class("respair-old")

    def _count(self, answer: Answer, text: str) -> None:
        """Show numbers while their error bars are computed."""
        self.answer = answer
        self._numbers.value = text

    def _finish(self, answer: Answer, text: str) -> None:
        self.answer = answer
        self._numbers.value = text
        self._end(answer.about)

    def _show_files(self, answer: Answer, text: str) -> None:
        self.answer = answer
        self._canvas.clear()
        self._numbers.value = f"<h2>Results of the panel “{PANELS[self._science].title}”</h2>{text}"
        self._main.remove_class("respair-old")
        self._end(answer.about)

    def _end(self, text: str, wrong: bool = False) -> None:
        self._idle()
        self._say(text, wrong)

    def _idle(self) -> None:
        self._cancel.disabled = True
        self._main.remove_class("respair-busy")

    def _failed(self, text: str) -> None:
        self._canvas.clear()
        self._numbers.value = ""
        self._end(text, wrong=True)

    def _working(self, text: str, job: Job) -> None:
        self._cancel.disabled = False
        seconds = time.monotonic() - job.began
        self._say(f"computing {text}" + (f", {seconds:.0f} s" if seconds > 1 else ""))

    def _stop(self) -> None:
        self._latest.cancel()
        self._end("Cancelled. Move a control to compute again.")

    def _say(self, text: str, wrong: bool = False) -> None:
        self._status.value = message(text, wrong)
        (self._status.add_class if wrong else self._status.remove_class)("respair-problem")

    def _go(self, event: Any) -> None:
        """Set the parameters to the clicked point of a sweep, and show its ground level."""
        try:
            values = [float(value) for value in event["new"].partition(" ")[0].split("_")]
            there = at(self.screen, self.screen.study(PANELS["sweep"].asks), values)
        except ValueError:  # the sweep has changed since the figure was drawn
            return
        self._edit(lambda screen: there)
        self._tabs.value = FIRST

    def _turned(self, event: Any) -> None:
        self.panel = event["new"]
        self._science = self._science if self.panel == FILES else self.panel
        self._canvas.clear()
        self._numbers.value = ""
        self.refresh()

    def switch(self, species: str, wanted: bool) -> None:
        """Add a species to the model, or remove it."""
        if self.model is not None and wanted != (species in self.screen.tables):
            model = self.model
            self._edit(lambda screen: switched(screen, species, wanted, model))

    def _picked(self, event: Any) -> None:
        self._physics.value = physics(event["new"])
        if event["new"] in PRESETS:
            self._read(preset(event["new"]))

    def _uploaded(self, event: Any) -> None:
        for file in event["new"]:
            try:
                study = parse(bytes(file["content"]).decode("utf-8-sig"), file["name"])
            except (InvalidModel, UnicodeDecodeError) as error:
                found = error.problems if isinstance(error, InvalidModel) else [error]
                self._upload_answer.value = "".join(message(f"{file['name']}: {each}", wrong=True) for each in found)
                return
            self._models.value = OWN
            self._read(Screen.of(study))

    def _read(self, screen: Screen) -> None:
        self._upload_answer.value = ""
        self.model = None
        self.change(lambda old: screen)


def physics(title: str) -> str:
    """Return the description of a model of the list."""
    return f"<p>{escape(PHYSICS[title])}</p>" if title in PHYSICS else ""


def _button(words: str, tooltip: str, what: Callable[[], None]) -> widgets.Button:
    button = widgets.Button(description=words, tooltip=tooltip)
    button.layout.width = "auto"
    button.on_click(lambda pressed: what())
    return button


def _html(name: str, value: str = "") -> widgets.HTML:
    found = widgets.HTML(value)
    found.add_class(name)
    return found


def _poster() -> Callable[[Callable[[], None]], None]:
    """Return a function that runs a function in the event loop of this thread; immediately without a loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return lambda what: what()

    def post(what: Callable[[], None]) -> None:
        loop.call_soon_threadsafe(what)

    return post
