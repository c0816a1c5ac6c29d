/* SPDX-License-Identifier: MIT */
#include "scheduler/time/cron_fields.h"

#include <string.h>

#define EXPRESSION_MAX_BYTES 256

typedef struct {
    const char *name;
    int min, max;
    const char *const *names; /**< names[0] is the value `min`; NULL: numbers only */
} Field;

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

static const char *const month_names[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL",
                                          "AUG", "SEP", "OCT", "NOV", "DEC", NULL};
static const char *const weekday_names[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", NULL};

static const Field fields[FIELDS] = {
    [MINUTE] = {"minute", 0, 59, NULL},
    [HOUR] = {"hour", 0, 23, NULL},
    [DAY] = {"day of month", 1, 31, NULL},
    [MONTH] = {"month", 1, 12, month_names},
    [WEEKDAY] = {"day of week", 0, 7, weekday_names},
};

static const struct {
    const char *name, *expression;
} presets[] = {
    {"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"},    {"@midnight", "0 0 * * *"},
    {"@weekly", "0 0 * * 0"}, {"@monthly", "0 0 1 * *"},  {"@quarterly", "0 0 1 */3 *"},
    {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

/** One field, while it is read. The text ends at `end`, not at a NUL. */
typedef struct {
    const char *expression; /**< its beginning, for columns */
    const char *p, *end;
    const Field *field;
    uint64_t bits; /**< values seen; in the weekday field 7 is not yet folded onto 0 */
    Cron *cron;    /**< receives what bits cannot say */
    GError **error;
} Parser;

static bool fail(const Parser *parser, const char *at, const char *format, ...) G_GNUC_PRINTF(3, 4);

static bool fail(const Parser *parser, const char *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *problem = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *shown = g_utf8_make_valid(parser->expression, -1);
    g_set_error(parser->error, WEIR_ERROR, WEIR_ERROR_INVALID, "cron expression '%s', column %d: %s", shown,
                (int)(at - parser->expression) + 1, problem);
    return false;
}

static bool fail_field(const Parser *parser, const char *at, const char *what)
{
    return fail(parser, at, "%s in the %s field", what, parser->field->name);
}

static bool at_end(const Parser *parser)
{
    return parser->p == parser->end;
}

static char peek(const Parser *parser)
{
    return at_end(parser) ? '\0' : *parser->p;
}

static bool accept(Parser *parser, char c)
{
    if (peek(parser) != c)
        return false;
    parser->p++;
    return true;
}

/** Explains a character that other cron dialects know and this one does not. */
static bool fail_unexpected(const Parser *parser)
{
    char c = peek(parser);
    const Field *field = parser->field;
    switch (c) {
    case '\0':
    case ',':
        return fail_field(parser, parser->p, "a value is missing");
    case '?':
        return fail_field(parser, parser->p, "'?' is not cron; write '*'");
    case '+':
    case '-':
        return fail_field(parser, parser->p, "a sign is not allowed");
    case '~':
    case 'H':
    case 'h':
        return fail_field(parser, parser->p, "random or hashed times are not supported; write a number");
    case 'L':
    case 'l':
        if (field == &fields[WEEKDAY])
            return fail_field(parser, parser->p, "'L' needs a weekday before it (5L is the last Friday)");
        return fail_field(parser, parser->p, "'L' belongs in a day field, not");
    case 'W':
    case 'w':
        return fail_field(parser, parser->p, "'W' is only known as LW, the last workday of the month, not");
    }
    if (g_ascii_isprint(c))
        return fail(parser, parser->p, "'%c' is not expected in the %s field (%d-%d%s)", c, field->name,
                    field->min, field->max, field->names != NULL ? " or a three-letter name" : "");
    return fail(parser, parser->p, "an unexpected character in the %s field (%d-%d)", field->name, field->min,
                field->max);
}

static bool parse_name(Parser *parser, int *ret)
{
    size_t length = 0;
    while (parser->p + length < parser->end && g_ascii_isalpha(parser->p[length]))
        length++;
    for (int i = 0; length == 3 && parser->field->names != NULL && parser->field->names[i] != NULL; i++) {
        if (g_ascii_strncasecmp(parser->p, parser->field->names[i], length) == 0) {
            parser->p += length;
            *ret = parser->field->min + i;
            return true;
        }
    }
    if (length <= 2)
        return fail_unexpected(parser);
    return fail(parser, parser->p, "'%.*s' is not a name of the %s field%s", (int)MIN(length, 32), parser->p,
                parser->field->name,
                parser->field->names == NULL ? ", which takes numbers only"
                                             : " (names have three letters, in English)");
}

/** Digits only; a value beyond 9999 stays there, out of every range. */
static bool parse_number(Parser *parser, int *ret)
{
    int value = 0;
    *ret = 0;
    if (!g_ascii_isdigit(peek(parser)))
        return fail_unexpected(parser);
    for (; g_ascii_isdigit(peek(parser)); parser->p++)
        value = MIN(value * 10 + (*parser->p - '0'), 9999);
    *ret = value;
    return true;
}

static bool parse_value(Parser *parser, int *ret)
{
    const char *begin = parser->p;
    const Field *field = parser->field;
    if (g_ascii_isalpha(peek(parser)))
        return parse_name(parser, ret);
    if (!parse_number(parser, ret))
        return false;
    if (*ret < field->min || *ret > field->max)
        return fail(parser, begin, "%.*s is out of range; the %s field takes %d-%d", (int)(parser->p - begin),
                    begin, field->name, field->min, field->max);
    return true;
}

/** What may follow a weekday: `L` (the last one of the month) or `#n` (the n-th). */
static bool parse_weekday_suffix(Parser *parser, int weekday, bool *ret_found)
{
    uint8_t bit = (uint8_t)(1u << weekday % 7);
    *ret_found = true;
    if (accept(parser, 'L') || accept(parser, 'l')) {
        parser->cron->last_weekdays |= bit;
        return true;
    }
    if (accept(parser, '#')) {
        const char *begin = parser->p;
        int n;
        if (!parse_number(parser, &n))
            return false;
        if (n < 1 || n > 5)
            return fail(parser, begin, "a month has a first to fifth weekday: #1 to #5");
        parser->cron->nth_weekdays[n - 1] |= bit;
        return true;
    }
    *ret_found = false;
    return true;
}

static bool parse_step(Parser *parser, int *ret)
{
    const char *begin = parser->p;
    if (!parse_number(parser, ret))
        return false;
    if (*ret == 0)
        return fail(parser, begin, "a step of zero never moves on");
    return true;
}

static bool parse_range_end(Parser *parser, const char *begin, int first, int *ret_last)
{
    if (!parse_value(parser, ret_last))
        return false;
    if (*ret_last >= first)
        return true;
    return fail(parser, begin, "the range %.*s runs backwards; write it as two%s", (int)(parser->p - begin),
                begin,
                parser->field == &fields[WEEKDAY] ? ", as in FRI-SAT,SUN-MON, and a week's end as 7 (5-7)"
                                                  : ", as in 22-23,0-2");
}

/** `*`, `a`, `a-b`, each with an optional `/step`; `L`, `LW`, `5L`, `MON#1`. */
static bool parse_item(Parser *parser)
{
    const char *begin = parser->p;
    int first = parser->field->min, last = parser->field->max, step = 1;
    if (parser->field == &fields[DAY] && (accept(parser, 'L') || accept(parser, 'l'))) {
        if (accept(parser, 'W') || accept(parser, 'w'))
            parser->cron->last_workday = true;
        else
            parser->cron->last_day = true;
        return true;
    }
    if (!accept(parser, '*')) {
        bool suffix = false;
        if (!parse_value(parser, &first))
            return false;
        if (parser->field == &fields[WEEKDAY] && !parse_weekday_suffix(parser, first, &suffix))
            return false;
        if (suffix)
            return true;
        if (!accept(parser, '-'))
            last = peek(parser) == '/' ? parser->field->max : first; /* a/n is a-max/n */
        else if (!parse_range_end(parser, begin, first, &last))
            return false;
    }
    if (accept(parser, '/') && !parse_step(parser, &step))
        return false;
    for (int value = first; value <= last; value += step)
        parser->bits |= UINT64_C(1) << value;
    return true;
}

static bool parse_field(Parser *parser)
{
    do {
        if (at_end(parser) || peek(parser) == ',')
            return fail_field(parser, parser->p, "an empty list item");
        if (!parse_item(parser))
            return false;
    } while (accept(parser, ','));
    return at_end(parser) || fail_unexpected(parser);
}

static void store_field(Cron *cron, int field, uint64_t bits)
{
    switch (field) {
    case MINUTE:
        cron->minutes = bits;
        break;
    case HOUR:
        cron->hours = (uint32_t)bits;
        break;
    case DAY:
        cron->days = (uint32_t)bits;
        break;
    case MONTH:
        cron->months = (uint16_t)bits;
        break;
    case WEEKDAY:
        cron->weekdays = (uint8_t)((bits | bits >> 7) & 0x7f);
        break;
    }
}

static const char *skip_blanks(const char *p)
{
    return p + strspn(p, " \t");
}

static bool fail_count(Parser *parser, int count)
{
    const char *end = parser->expression + strlen(parser->expression);
    if (count > FIELDS)
        return fail(parser, parser->p,
                    "more than five fields; they are minute, hour, day of month, month and day of week (no "
                    "seconds, no years)");
    return fail(parser, end, "%d of five fields; the %s field is missing", count, fields[count].name);
}

static bool parse_fields(Parser *parser, const char *text)
{
    bool star[FIELDS] = {false};
    int count = 0;
    const char *begins[FIELDS], *ends[FIELDS];
    for (const char *p = skip_blanks(text); *p != '\0'; p = skip_blanks(p), count++) {
        parser->p = p;
        if (count == FIELDS)
            return fail_count(parser, count + 1);
        begins[count] = p;
        ends[count] = p += strcspn(p, " \t");
    }
    if (count < FIELDS)
        return fail_count(parser, count);
    for (int i = 0; i < FIELDS; i++) {
        parser->p = begins[i];
        parser->end = ends[i];
        parser->field = &fields[i];
        parser->bits = 0;
        star[i] = begins[i][0] == '*';
        if (!parse_field(parser))
            return false;
        store_field(parser->cron, i, parser->bits);
    }
    parser->cron->days_and = star[DAY] || star[WEEKDAY];
    parser->cron->fixed = !star[MINUTE] && !star[HOUR];
    if (!cron_has_days(parser->cron))
        return fail(parser, begins[DAY], "that date never comes; no month of the month field has such a day");
    return true;
}

/** The five fields behind a preset; an error, with the near one, for any other word with an @. */
static const char *expand_preset(const Parser *parser, const char *word)
{
    const char *names[G_N_ELEMENTS(presets) + 1] = {NULL};
    for (size_t i = 0; i < G_N_ELEMENTS(presets); i++) {
        if (strcmp(word, presets[i].name) == 0)
            return presets[i].expression;
        names[i] = presets[i].name;
    }
    const char *near = suggest_nearest(word, names);
    if (strcmp(word, "@reboot") == 0)
        fail(parser, word, "@reboot is no time; use @once to run a DAG once");
    else if (strcmp(word, "@once") == 0 || strcmp(word, "@continuous") == 0)
        fail(parser, word, "%s can be the schedule of a DAG, but it is no list of times", word);
    else if (near != NULL)
        fail(parser, word, "no such preset; did you mean %s?", near);
    else
        fail(parser, word,
             "no such preset; there are @hourly, @daily, @weekly, @monthly, @quarterly, @yearly");
    return NULL;
}

Cron *cron_new(const char *expression, GError **error)
{
    /* Blanks in front stay, so that columns are those of the text as it was given. */
    g_autofree char *text = g_strchomp(g_strndup(expression, EXPRESSION_MAX_BYTES + 1));
    const char *first = skip_blanks(text);
    g_autoptr(Cron) cron = g_new0(Cron, 1);
    Parser parser = {.expression = text, .p = first, .cron = cron, .error = error};
    if (strlen(text) > EXPRESSION_MAX_BYTES) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "a cron expression has at most %d bytes",
                    EXPRESSION_MAX_BYTES);
        return NULL;
    }
    cron->text = g_strdup(first);
    if (first[0] != '@')
        return parse_fields(&parser, first) ? g_steal_pointer(&cron) : NULL;
    const char *fields_of_preset = expand_preset(&parser, first);
    if (fields_of_preset == NULL || !parse_fields(&parser, fields_of_preset))
        return NULL;
    return g_steal_pointer(&cron);
}

void cron_free(Cron *cron)
{
    if (cron == NULL)
        return;
    g_free(cron->text);
    g_free(cron);
}

const char *cron_text(const Cron *cron)
{
    return cron->text;
}
