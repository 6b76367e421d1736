"""When a cron expression is due, by a walk through the time minute by minute: it knows nothing of the product."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)


def field(text, low, high):
    found = set()
    for part in text.split(","):
        base, _, step = part.partition("/")
        first, _, last = ("", "", "") if base == "*" else base.partition("-")
        begin = int(first) if first else low
        end = int(last) if last else begin if first and not step else high
        found |= set(range(begin, end + 1, int(step or 1)))
    return found


class Oracle:
    """Walks through the time by minutes, and looks at what a clock on the wall shows."""

    def __init__(self, cron, zone):
        minute, hour, day, month, weekday = cron.split()
        self.zone = ZoneInfo(zone)
        self.minutes, self.hours, self.days = field(minute, 0, 59), field(hour, 0, 23), field(day, 1, 31)
        self.months, self.weekdays = field(month, 1, 12), {number % 7 for number in field(weekday, 0, 7)}
        self.both = day.startswith("*") or weekday.startswith("*")
        self.fixed = not (minute.startswith("*") or hour.startswith("*"))

    def matches(self, shown):
        day, weekday = shown.day in self.days, shown.isoweekday() % 7 in self.weekdays
        on = (day and weekday) if self.both else (day or weekday)
        return on and shown.month in self.months and shown.hour in self.hours and shown.minute in self.minutes

    def between(self, begin, end):
        found, before, seen = [], begin.astimezone(self.zone).replace(tzinfo=None), set()
        now = begin
        while now < end:
            now += MINUTE
            shown = now.astimezone(self.zone).replace(tzinfo=None)
            due = self.matches(shown) and not (self.fixed and shown in seen)
            passed_over = before + MINUTE
            while self.fixed and passed_over < shown:
                # A whole date that a zone leaves out was never there.
                due = due or (self.matches(passed_over) and passed_over.date() in {before.date(), shown.date()})
                passed_over += MINUTE
            if due:
                found.append(now)
            seen.add(shown)
            before = shown
        return found
