/* SPDX-License-Identifier: MIT */
#include "scheduler/template/lexer.h"

#include <errno.h>
#include <string.h>

#define NUMBER_MAX_BYTES 40

void tpl_lexer_init(TplLexer *lexer, const char *text, TemplateError *error)
{
    *lexer = (TplLexer){.text = text, .at = text, .position = {1, 1}, .error = error};
}

static void token_reset(TplToken *token)
{
    g_clear_pointer(&token->text, g_free);
    g_clear_pointer(&token->number, json_decref);
    *token = (TplToken){0};
}

void tpl_lexer_clear(TplLexer *lexer)
{
    token_reset(&lexer->token);
}

bool tpl_lexer_fail(TplLexer *lexer, TplPosition position, const char *format, ...)
{
    if (lexer->error->message != NULL)
        return false;
    va_list args;
    va_start(args, format);
    lexer->error->message = g_strdup_vprintf(format, args);
    va_end(args);
    lexer->error->line = position.line;
    lexer->error->column = position.column;
    return false;
}

static void step_over(TplLexer *lexer, size_t bytes)
{
    for (const char *end = lexer->at + bytes; lexer->at < end; lexer->at++) {
        if (*lexer->at == '\n') {
            lexer->position.line++;
            lexer->position.column = 1;
        } else if (((unsigned char)*lexer->at & 0xC0) != 0x80) { /* not the inside of a UTF-8 character */
            lexer->position.column++;
        }
    }
}

static void skip_space(TplLexer *lexer)
{
    step_over(lexer, strspn(lexer->at, " \t\r\n\f\v"));
}

static void trim_end(GString *text)
{
    while (text->len > 0 && g_ascii_isspace(text->str[text->len - 1]))
        g_string_truncate(text, text->len - 1);
}

static bool skip_comment(TplLexer *lexer, GString *text)
{
    const char *end = strstr(lexer->at + 2, "#}");
    if (end == NULL)
        return tpl_lexer_fail(lexer, lexer->position,
                              "'{#' begins a comment that '#}' never ends; a literal one is {{ '{#' }}");
    if (lexer->at[2] == '-')
        trim_end(text);
    lexer->trim_next = end[-1] == '-' && end > lexer->at + 2;
    step_over(lexer, (size_t)(end + 2 - lexer->at));
    return true;
}

/** The next `{{`, `{%` or `{#`; NULL when only text is left. */
static const char *find_opener(const TplLexer *lexer)
{
    for (const char *at = strchr(lexer->at, '{'); at != NULL; at = strchr(at + 1, '{')) {
        if (at[1] == '{' || at[1] == '%')
            return at;
        /* ${#name} is the shell's length of a variable. Jinja takes it for a comment, to everybody's
         * surprise. */
        if (at[1] == '#' && (at == lexer->text || at[-1] != '$'))
            return at;
    }
    return NULL;
}

bool tpl_lexer_read_text(TplLexer *lexer, GString *text, bool *ret_opened)
{
    for (;;) {
        if (lexer->trim_next)
            skip_space(lexer);
        lexer->trim_next = false;
        const char *opener = find_opener(lexer);
        size_t bytes = opener != NULL ? (size_t)(opener - lexer->at) : strlen(lexer->at);
        g_string_append_len(text, lexer->at, (gssize)bytes);
        step_over(lexer, bytes);
        *ret_opened = false;
        if (opener == NULL)
            return true;
        if (opener[1] == '%')
            return tpl_lexer_fail(
                lexer, lexer->position,
                "weir templates have no statements ({%% ... %%}), only {{ ... }}; a literal "
                "one is {{ '{%%' }}");
        if (opener[1] == '#') {
            if (!skip_comment(lexer, text))
                return false;
            continue;
        }
        *ret_opened = true;
        lexer->opened = lexer->position;
        step_over(lexer, 2);
        if (*lexer->at == '-') {
            trim_end(text);
            step_over(lexer, 1);
        }
        return true;
    }
}

/** `digits` hexadecimal digits at `at`, or -1. */
static gint32 hex_value(const char *at, int digits)
{
    gint32 value = 0;
    for (int i = 0; i < digits; i++) {
        int digit = g_ascii_xdigit_value(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/** \xHH, \uHHHH, \UHHHHHHHH. Returns the bytes of the escape, or 0 when it is wrong. */
static size_t append_numeric_escape(GString *value, const char *at)
{
    int digits = at[1] == 'x' ? 2 : at[1] == 'u' ? 4 : 8;
    if (digits == 8 && at[2] != '0') /* beyond Unicode; keeps hex_value in its range */
        return 0;
    gint32 character = hex_value(at + 2, digits);
    if (character <= 0 || !g_unichar_validate((gunichar)character))
        return 0;
    g_string_append_unichar(value, (gunichar)character);
    return (size_t)digits + 2;
}

/** Appends what the escape at `at` stands for, as Python does; returns its bytes, or 0 when it is wrong. */
static size_t append_escape(GString *value, const char *at)
{
    static const char codes[] = "\\'\"ntrabfv", meanings[] = "\\'\"\n\t\r\a\b\f\v";
    if (at[1] == 'x' || at[1] == 'u' || at[1] == 'U')
        return append_numeric_escape(value, at);
    if (at[1] == '0')
        return 0;
    const char *code = at[1] != '\0' ? strchr(codes, at[1]) : NULL;
    if (code != NULL) {
        g_string_append_c(value, meanings[code - codes]);
        return 2;
    }
    g_string_append_c(value, '\\'); /* not an escape: the backslash stays, as in Python ('\d') */
    return 1;
}

static bool read_string(TplLexer *lexer)
{
    char quote = *lexer->at;
    g_autoptr(GString) value = g_string_new(NULL);
    step_over(lexer, 1);
    for (;;) {
        const char stops[] = {quote, '\\', '\0'};
        size_t plain = strcspn(lexer->at, stops);
        g_string_append_len(value, lexer->at, (gssize)plain);
        step_over(lexer, plain);
        if (*lexer->at == '\0')
            return tpl_lexer_fail(lexer, lexer->token.position, "this string has no closing %c", quote);
        if (*lexer->at == quote)
            break;
        size_t escape = append_escape(value, lexer->at);
        if (escape == 0)
            return tpl_lexer_fail(
                lexer, lexer->position,
                "this escape is not a character; \\\\ is a backslash, \\x41 and \\u0041 are A");
        step_over(lexer, escape);
    }
    step_over(lexer, 1);
    lexer->token.kind = TPL_TOKEN_STRING;
    lexer->token.text = g_string_free(g_steal_pointer(&value), FALSE);
    return true;
}

static size_t number_length(const char *at, bool *ret_real)
{
    size_t n = strspn(at, "0123456789");
    *ret_real = false;
    if (at[n] == '.' && g_ascii_isdigit(at[n + 1])) {
        *ret_real = true;
        n += 1 + strspn(at + n + 1, "0123456789");
    }
    if (at[n] == 'e' || at[n] == 'E') {
        size_t sign = at[n + 1] == '+' || at[n + 1] == '-' ? 1 : 0;
        size_t digits = strspn(at + n + 1 + sign, "0123456789");
        if (digits > 0) {
            *ret_real = true;
            n += 1 + sign + digits;
        }
    }
    return n;
}

static bool read_number(TplLexer *lexer)
{
    bool is_real;
    size_t bytes = number_length(lexer->at, &is_real);
    char after = lexer->at[bytes];
    if (bytes > NUMBER_MAX_BYTES || g_ascii_isalnum(after) || after == '_')
        return tpl_lexer_fail(lexer, lexer->token.position, "this is not a number (write text in quotes)");
    g_autofree char *digits = g_strndup(lexer->at, bytes);
    gint64 whole = 0;
    if (is_real)
        lexer->token.number = json_real(g_ascii_strtod(digits, NULL));
    else if (g_ascii_string_to_signed(digits, 10, 0, INT64_MAX, &whole, NULL))
        lexer->token.number = json_integer(whole);
    if (lexer->token.number == NULL)
        return tpl_lexer_fail(lexer, lexer->token.position, "this number is too large");
    lexer->token.kind = TPL_TOKEN_NUMBER;
    step_over(lexer, bytes);
    return true;
}

static size_t name_length(const char *at)
{
    size_t n = 0;
    while (g_ascii_isalnum(at[n]) || at[n] == '_')
        n++;
    return n;
}

/** }} or -}} at the current place; its length, else 0. */
static size_t close_length(TplLexer *lexer)
{
    size_t dash = *lexer->at == '-' ? 1 : 0;
    return strncmp(lexer->at + dash, "}}", 2) == 0 ? dash + 2 : 0;
}

static bool read_token(TplLexer *lexer)
{
    TplToken *token = &lexer->token;
    size_t close = close_length(lexer);
    if (close > 0) {
        lexer->trim_next = close == 3;
        token->kind = TPL_TOKEN_CLOSE;
        step_over(lexer, close);
        return true;
    }
    char c = *lexer->at;
    if (c == '\0')
        return tpl_lexer_fail(lexer, lexer->opened, "this '{{' is never closed with '}}'");
    if (c == '\'' || c == '"')
        return read_string(lexer);
    if (g_ascii_isdigit(c))
        return read_number(lexer);
    if (g_ascii_isalpha(c) || c == '_') {
        size_t bytes = name_length(lexer->at);
        token->kind = TPL_TOKEN_NAME;
        token->text = g_strndup(lexer->at, bytes);
        step_over(lexer, bytes);
        return true;
    }
    if (!g_ascii_ispunct(c))
        return tpl_lexer_fail(lexer, token->position,
                              "this character has no meaning here (write text in quotes: {{ 'text' }})");
    token->kind = TPL_TOKEN_SIGN;
    token->sign = c;
    step_over(lexer, 1);
    return true;
}

bool tpl_lexer_advance(TplLexer *lexer)
{
    token_reset(&lexer->token);
    skip_space(lexer);
    lexer->token.position = lexer->position;
    lexer->token.range.begin = (size_t)(lexer->at - lexer->text);
    if (!read_token(lexer))
        return false;
    lexer->token.range.end = (size_t)(lexer->at - lexer->text);
    return true;
}

bool tpl_lexer_sees_assignment(const TplLexer *lexer)
{
    const char *at = lexer->at + strspn(lexer->at, " \t\r\n\f\v");
    return at[0] == '=' && at[1] != '=';
}
