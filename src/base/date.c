#include "base/date.h"

static const char day_names[] = "SunMonTueWedThuFriSat";
static const char *const day_ends[] = {"day", "day", "sday", "nesday", "rsday", "day", "urday"};
static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* 0001-01-01 00:00:00 and 9999-12-31 23:59:59: what the forms can show. */
static const int64_t seconds_min = -62135596800, seconds_max = 253402300799;

struct civil {
    int year, month, day; /* month 1 to 12 */
};

/* Days since 1970-01-01 to the proleptic Gregorian calendar, in 400-year eras that begin in March. */
static struct civil civil_from_days(int64_t days)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;

    return (struct civil){(int)(yoe + era * 400 + (month <= 2)), (int)month,
                          (int)(doy - (153 * mp + 2) / 5 + 1)};
}

static int64_t days_from_civil(struct civil c)
{
    int64_t y = c.year - (c.month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (c.month > 2 ? c.month - 3 : c.month + 9) + 2) / 5 + c.day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;

    return era * 146097 + doe - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t clamp(int64_t value, int64_t min, int64_t max)
{
    return value < min ? min : value > max ? max : value;
}

static void put_digits(char *at, int value, int width)
{
    while (width-- > 0) {
        at[width] = (char)('0' + value % 10);
        value /= 10;
    }
}

void date_http(int64_t seconds, char out[DATE_HTTP_LENGTH])
{
    int64_t shown = clamp(seconds, seconds_min, seconds_max);
    int64_t days = floor_div(shown, 86400);
    int second = (int)(shown - days * 86400);
    struct civil c = civil_from_days(days);
    int weekday = (int)(((days + 4) % 7 + 7) % 7);

    memcpy(out, "Www, DD Mmm YYYY HH:MM:SS GMT", DATE_HTTP_LENGTH);
    memcpy(out, day_names + weekday * 3, 3);
    put_digits(out + 5, c.day, 2);
    memcpy(out + 8, month_names + (c.month - 1) * 3, 3);
    put_digits(out + 12, c.year, 4);
    put_digits(out + 17, second / 3600, 2);
    put_digits(out + 20, second / 60 % 60, 2);
    put_digits(out + 23, second % 60, 2);
}

void date_log(int64_t milliseconds, char out[DATE_LOG_LENGTH])
{
    int64_t shown = clamp(milliseconds, seconds_min * 1000, seconds_max * 1000 + 999);
    int64_t seconds = floor_div(shown, 1000);
    int64_t days = floor_div(seconds, 86400);
    int second = (int)(seconds - days * 86400);
    struct civil c = civil_from_days(days);

    memcpy(out, "YYYY-MM-DD HH:MM:SS.mmm", DATE_LOG_LENGTH);
    put_digits(out, c.year, 4);
    put_digits(out + 5, c.month, 2);
    put_digits(out + 8, c.day, 2);
    put_digits(out + 11, second / 3600, 2);
    put_digits(out + 14, second / 60 % 60, 2);
    put_digits(out + 17, second % 60, 2);
    put_digits(out + 20, (int)(shown - seconds * 1000), 3);
}

/* Takes a number of exactly `width` digits off the front; with width 2, a leading blank counts as zero
 * (asctime's day). */
static bool take_number(struct str *s, size_t width, int *value)
{
    int v = 0;

    if (s->n < width)
        return false;
    for (size_t i = 0; i < width; i++) {
        char c = s->p[i] == ' ' && width == 2 && i == 0 ? '0' : s->p[i];

        if (!ascii_digit(c))
            return false;
        v = v * 10 + (c - '0');
    }
    *s = str_skip(*s, width);
    *value = v;
    return true;
}

static bool take(struct str *s, struct str what)
{
    if (!str_starts(*s, what))
        return false;
    *s = str_skip(*s, what.n);
    return true;
}

static bool take_month(struct str *s, int *month)
{
    for (int m = 0; m < 12; m++)
        if (take(s, str_make(month_names + 3 * m, 3))) {
            *month = m + 1;
            return true;
        }
    return false;
}

/* The name of a weekday, short or in full. Whether it is the date's own does not matter. */
static bool take_weekday(struct str *s, bool full)
{
    for (int d = 0; d < 7; d++)
        if (take(s, str_make(day_names + 3 * d, 3)))
            return !full || take(s, str_from(day_ends[d]));
    return false;
}

static bool take_time(struct str *s, int64_t *second)
{
    int h, m, sec;

    if (!take_number(s, 2, &h) || !take(s, STR(":")) || !take_number(s, 2, &m) || !take(s, STR(":")) ||
        !take_number(s, 2, &sec) || h > 23 || m > 59 || sec > 60)
        return false;
    *second = h * 3600 + m * 60 + sec;
    return true;
}

static bool take_imf(struct str *s, struct civil *c, int64_t *second)
{
    return take_weekday(s, false) && take(s, STR(", ")) && take_number(s, 2, &c->day) && take(s, STR(" ")) &&
           take_month(s, &c->month) && take(s, STR(" ")) && take_number(s, 4, &c->year) &&
           take(s, STR(" ")) && take_time(s, second) && take(s, STR(" GMT"));
}

static bool take_rfc850(struct str *s, int64_t now, struct civil *c, int64_t *second)
{
    int this_year = civil_from_days(floor_div(now, 86400)).year;

    if (!(take_weekday(s, true) && take(s, STR(", ")) && take_number(s, 2, &c->day) && take(s, STR("-")) &&
          take_month(s, &c->month) && take(s, STR("-")) && take_number(s, 2, &c->year) && take(s, STR(" ")) &&
          take_time(s, second) && take(s, STR(" GMT"))))
        return false;
    c->year += this_year - this_year % 100;
    if (c->year > this_year + 50)
        c->year -= 100;
    else if (c->year < this_year - 50)
        c->year += 100;
    return true;
}

static bool take_asctime(struct str *s, struct civil *c, int64_t *second)
{
    return take_weekday(s, false) && take(s, STR(" ")) && take_month(s, &c->month) && take(s, STR(" ")) &&
           take_number(s, 2, &c->day) && take(s, STR(" ")) && take_time(s, second) && take(s, STR(" ")) &&
           take_number(s, 4, &c->year);
}

bool date_http_parse(struct str text, int64_t now, int64_t *seconds)
{
    struct civil c = {0}, same;
    int64_t second, days;
    ptrdiff_t comma = str_find(text, ',');
    bool ok;

    if (comma == 3)
        ok = take_imf(&text, &c, &second);
    else if (comma > 3)
        ok = take_rfc850(&text, now, &c, &second);
    else
        ok = take_asctime(&text, &c, &second);
    if (!ok || text.n)
        return false;
    days = days_from_civil(c);
    same = civil_from_days(days);
    if (same.day != c.day || same.month != c.month) /* such as 31 November */
        return false;
    *seconds = days * 86400 + second;
    return true;
}
