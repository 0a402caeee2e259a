import pytest

from engine.expression import RenderError, Scope, compile_template

NOON = 1_700_000_000_123
SCOPE = Scope({"t": "2013-09-08T16:19:12.123456789+01:00", "zone": "Europe/Paris"}, now_ms=NOON)


def render(template, scope=SCOPE):
    return compile_template(template).render(scope)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("iso", "2013-09-08T17:19:12.123456+02:00"),
        ("iso_milli", "2013-09-08T17:19:12.123+02:00"),
        ("iso_sec", "2013-09-08T17:19:12+02:00"),
        ("sql", "2013-09-08 17:19:12.123456"),
        ("sql_milli", "2013-09-08 17:19:12.123"),
        ("sql_sec", "2013-09-08 17:19:12"),
        ("iso_date_time", "2013-09-08T17:19:12.123456789+02:00[Europe/Paris]"),
        ("iso_zoned_date_time", "2013-09-08T17:19:12.123456789+02:00[Europe/Paris]"),
        ("iso_offset_date_time", "2013-09-08T17:19:12.123456789+02:00"),
        ("iso_local_date_time", "2013-09-08T17:19:12.123456789"),
        ("iso_local_time", "17:19:12.123456789"),
        ("iso_date", "2013-09-08+02:00"),
        ("iso_local_date", "2013-09-08"),
        ("iso_instant", "2013-09-08T15:19:12.123456789Z"),
        ("iso_ordinal_date", "2013-251+02:00"),
        ("iso_week_date", "2013-W36-7+02:00"),
        ("basic_iso_date", "20130908+0200"),
        ("rfc_1123_date_time", "Sun, 8 Sep 2013 17:19:12 +0200"),
        ("full", "Sunday, September 8, 2013 at 5:19:12\u202fPM Central European Summer Time"),
        ("long", "September 8, 2013 at 5:19:12\u202fPM CEST"),
        ("medium", "Sep 8, 2013, 5:19:12\u202fPM"),
        ("short", "9/8/13, 5:19\u202fPM"),
        ("yy yyyy y u Y G", "13 2013 2013 2013 2013 AD"),
        ("M MM MMM MMMM MMMMM L", "9 09 Sep September S 9"),
        ("d dd D E EEEE e c F w W Q QQQ QQQQ", "8 08 251 Sun Sunday 1 1 2 37 2 3 Q3 3rd quarter"),
        ("H HH k h hh K m s S SSS n A a", "17 17 17 5 05 5 19 12 1 123 123456789 62352123 PM"),
        (
            "X XX XXX x Z ZZZZ ZZZZZ O OOOO z VV",
            "+02 +0200 +02:00 +02 +0200 GMT+02:00 +02:00 GMT+2 GMT+02:00 CEST Europe/Paris",
        ),
        ("'week' w 'o''clock' ''yyyy''", "week 37 o'clock '2013'"),
        ("yyyy[-MM]", "2013-09"),
        ("pppH", " 17"),
    ],
)
def test_a_date_is_written_by_java_pattern_or_name(pattern, text):
    scope = Scope({"t": SCOPE.variables["t"], "p": pattern}, 0)
    assert render("{{ t | date(p, timeZone='Europe/Paris') }}", scope) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2013-09-08T16:19:12Z", "2013-09-08T18:19:12.000000+02:00"),
        ("2013-09-08T16:19", "2013-09-08T16:19:00.000000+02:00"),
        ("2013-09-08T16:19:00.5", "2013-09-08T16:19:00.500000+02:00"),
        ("2013-09-08", "2013-09-08T00:00:00.000000+02:00"),
        ("2013-09-08T16:19:00+02:00[Europe/Paris]", "2013-09-08T16:19:00.000000+02:00"),
        ("2013-09-08T16:19:00[America/New_York]", "2013-09-08T22:19:00.000000+02:00"),
        (1_378_653_552, "2013-09-08T17:19:12.000000+02:00"),
        (1_378_653_552_123, "2013-09-08T17:19:12.123000+02:00"),
        (1_378_653_552_123_456_789, "2013-09-08T17:19:12.123456+02:00"),
        (0, "1970-01-01T01:00:00.000000+01:00"),
        ("2023-03-26T02:30:00", "2023-03-26T03:30:00.000000+02:00"),
    ],
)
def test_a_date_is_read_from_text_or_number(value, text):
    assert render("{{ v | date(timeZone='Europe/Paris') }}", Scope({"v": value}, 0)) == text


@pytest.mark.parametrize(
    ("text", "pattern", "date"),
    [
        ("July 24, 2001", "MMMM dd, yyyy", "2001-07-24T00:00:00"),
        ("24/07/01 1:05 pm", "dd/MM/yy h:mm a", "2001-07-24T13:05:00"),
        ("20010724130509", "yyyyMMddHHmmss", "2001-07-24T13:05:09"),
        ("Tue, 24 Jul 2001 13:05:09 GMT", "rfc_1123_date_time", "2001-07-24T13:05:09"),
        ("2001-7-4", "y-M-d", "2001-07-04T00:00:00"),
        ("2001-205", "yyyy-DDD", "2001-07-24T00:00:00"),
        ("2001-07-24 13:05:09.123 +0200", "yyyy-MM-dd HH:mm:ss.SSS Z", "2001-07-24T11:05:09.123"),
        ("20010724T13", "yyyyMMdd'T'HH[mm]", "2001-07-24T13:00:00"),
    ],
)
def test_a_date_is_read_by_an_existing_format(text, pattern, date):
    scope = Scope({"x": text, "p": pattern}, 0)
    assert render("{{ x | date('iso_local_date_time', existingFormat=p) }}", scope) == date


@pytest.mark.parametrize(
    ("amount", "unit", "text"),
    [
        (-1, "DAYS", "2024-01-30T10:00:00Z"),
        (1, "MONTHS", "2024-02-29T10:00:00Z"),
        (13, "MONTHS", "2025-02-28T10:00:00Z"),
        (1, "YEARS", "2025-01-31T10:00:00Z"),
        (2, "WEEKS", "2024-02-14T10:00:00Z"),
        (25, "HOURS", "2024-02-01T11:00:00Z"),
        (-90, "SECONDS", "2024-01-31T09:58:30Z"),
        (1, "HALF_DAYS", "2024-01-31T22:00:00Z"),
    ],
)
def test_a_date_is_shifted_by_units(amount, unit, text):
    scope = Scope({"a": amount, "u": unit}, 0)
    assert render("{{ '2024-01-31T10:00:00Z' | dateAdd(a, u, 'iso_sec') }}", scope) == text


def test_an_amount_may_be_written_as_text():
    template = "{{ t | dateAdd('1', 'DAYS', 'iso_sec') }} {{ t | dateAdd('-2', 'HOURS', 'iso_sec') }}"

    assert render(template, Scope({"t": "2024-01-31T10:00:00Z"}, 0)) == "2024-02-01T10:00:00Z 2024-01-31T08:00:00Z"


def test_a_day_later_is_the_same_time_of_day_across_a_clock_change():
    template = "{{ '2023-03-25T12:00:00+01:00[Europe/Paris]' | dateAdd(1, 'DAYS', timeZone='Europe/Paris') }}"
    assert render(template) == "2023-03-26T12:00:00.000000+02:00"


def test_timestamps_count_from_the_epoch():
    assert render("{{ t | timestamp }} {{ t | timestampMilli }}") == "1378653552 1378653552123"
    assert render("{{ t | timestampNano }} {{ t | timestampMicro }}") == "1378653552123456789 1378653552123456"
    assert render("{{ '1969-12-31T23:59:59.5Z' | timestampMilli }}") == "-500"


def test_now_is_the_scopes_time_in_the_scopes_zone():
    assert render("{{ now() }}") == "2023-11-14T22:13:20.123000Z"
    assert render("{{ now(timeZone='Asia/Tokyo', format='HH:mm') }}") == "07:13"
    assert render("{{ now('iso_local_date') }}", Scope({}, NOON, time_zone="Asia/Tokyo")) == "2023-11-15"


def test_names_come_in_the_locales_language():
    assert render("{{ t | date('EEEE d MMMM', timeZone=zone, locale='fr') }}") == "dimanche 8 septembre"
    assert render("{{ t | date('EEEE d MMMM', timeZone=zone, locale='de_DE') }}") == "Sonntag 8 September"
    assert (
        render("{{ '8 septembre 2013' | date('iso_local_date', existingFormat='d MMMM yyyy', locale='fr') }}")
        == "2013-09-08"
    )


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ isWeekend('2025-01-05') }}{{ isWeekend('2025-01-06') }}", "truefalse"),
        ("{{ dayOfWeek('2025-01-06T00:30:00+02:00') }}", "MONDAY"),
        (
            "{{ dayOfMonth('2025-01-06') }} {{ monthOfYear('2025-01-06') }} {{ hourOfDay('2025-01-06T07:30:00Z') }}",
            "6 1 7",
        ),
        (
            "{% for d in ['06', '13'] %}{{ isDayWeekInMonth('2025-01-' ~ d, 'monday', 'FIRST') }}{% endfor %}",
            "truefalse",
        ),
        (
            "{% for p in ['LAST', 'fourth'] %}{{ isDayWeekInMonth('2025-01-27', 'MONDAY', p) }}{% endfor %}",
            "truetrue",
        ),
        (
            "{% for d in ['01-31', '05-30', '05-31'] %}{{ isLastWorkingDay('2025-' ~ d) }}{% endfor %}",
            "truetruefalse",
        ),
        ("{{ isLastWorkingDay('2025-05-31', 'SATURDAY, SUNDAY') }}", "true"),
    ],
)
def test_days_of_the_calendar(template, text):
    assert render(template) == text


@pytest.mark.parametrize(
    "expression",
    [
        *(
            "'no date' | date",
            "'' | date",
            "true | date",
            "'2013-13-01' | date",
            "'2013-02-30' | date",
            "t | date('j')",
        ),
        *(
            't | date("\'open")',
            "t | date('[')",
            "t | date(']')",
            "t | date(timeZone='No/Where')",
            "t | date(timeZone='+99:00')",
        ),
        *("t | dateAdd(1)", "t | dateAdd(1, 'EONS')", "t | dateAdd('one', 'DAYS')", "t | dateAdd(99999, 'YEARS')"),
        *(
            "'07' | date(existingFormat='MM')",
            "99999999999999 | date",
            "dayOfWeek(null)",
            "isDayWeekInMonth(t, 'X', 'FIRST')",
        ),
    ],
)
def test_what_is_no_date_is_an_error(expression):
    with pytest.raises(RenderError):
        render("{{ " + expression + " }}")


@pytest.mark.parametrize("pattern", ["ddd", "hhh", "aa", "MMMMMM", "EEEEEE", "SSSSSSSSSS", "FF", "yyyy pp"])
def test_a_letter_repeated_too_often_is_no_pattern(pattern):
    with pytest.raises(RenderError, match="date pattern"):
        render("{{ '2024-02-29' | date(p) }}", Scope({"p": pattern}, 0))


def test_days_can_be_counted_in_the_modified_julian_calendar():
    assert render("{{ '2024-02-29' | date('g') }} {{ '1858-11-17' | date('g') }}") == "60369 0"
