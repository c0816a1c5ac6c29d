/* SPDX-License-Identifier: MIT */
#include "scheduler/load/yaml_problem.h"

#include "scheduler/load/yaml_text.h"

#include <string.h>

/** Where to point: libyaml has a mark for the spot where it gave up, and one for what it was reading. */
typedef enum {
    AT_PROBLEM,
    AT_CONTEXT,
    AT_PROBLEM_OPENED, /**< the problem, and say where the context opened */
} Where;

typedef struct {
    const char *problem;
    const char *context; /**< prefix, or NULL for any */
    Where where;
    const char *message;
} Translation;

/* The first line that fits counts. libyaml's texts are those of 0.2.5; what is not here is shown as it is. */
static const Translation translations[] = {
    {"did not find expected alphabetic or numeric character", "while scanning an alias", AT_CONTEXT,
     "a text that begins with \"*\" must stand in quotes, such as \"* * * * *\""},
    {"did not find expected alphabetic or numeric character", "while scanning an anchor", AT_CONTEXT,
     "a text that begins with \"&\" must stand in quotes"},
    {"did not find expected ',' or ']'", NULL, AT_PROBLEM_OPENED,
     "\",\" or \"]\" is missing before this, in the list that opens"},
    {"did not find expected ',' or '}'", NULL, AT_PROBLEM_OPENED,
     "\",\" or \"}\" is missing before this, in the mapping that opens"},
    {"did not find expected node content", "while parsing a flow node", AT_PROBLEM,
     "a value is missing before this; a text that contains any of , [ ] { } here must stand in quotes"},
    {"did not find expected node content", "while parsing a block node", AT_PROBLEM,
     "a value is missing before this"},
    {"did not find expected key", NULL, AT_PROBLEM,
     "not a `key: value` of the mapping before it: check the indentation, and the quotes of the line before"},
    {"did not find expected '-' indicator", NULL, AT_PROBLEM,
     "not an item of the list before it: check the indentation, and that it begins with \"- \""},
    {"could not find expected ':'", NULL, AT_CONTEXT,
     "not a `key: value`: the \": \" after the key is missing"},
    {"mapping values are not allowed in this context", NULL, AT_PROBLEM,
     "an unexpected \":\": a text that contains \": \" must stand in quotes; or \": \" is missing in "
     "the line before, or this line is indented too far"},
    {"mapping keys are not allowed in this context", NULL, AT_PROBLEM,
     "a key cannot stand here: check the indentation"},
    {"block sequence entries are not allowed in this context", NULL, AT_PROBLEM,
     "an unexpected \"-\": the items of a list stand on lines of their own"},
    {"found unexpected end of stream", "while scanning a quoted scalar", AT_CONTEXT,
     "the quote that opens here is never closed"},
    {"found unexpected document indicator", "while scanning a quoted scalar", AT_CONTEXT,
     "the quote that opens here is not closed before the end of the document"},
    {"found unknown escape character", NULL, AT_PROBLEM,
     "an unknown escape with \"\\\" in a \"...\" text: use '...', or write \"\\\\\" for a backslash"},
    {"did not find expected hexdecimal number", NULL, AT_PROBLEM,
     "an escape with \\x, \\u or \\U needs 2, 4 or 8 hex digits"},
    {"found invalid Unicode character escape code", NULL, AT_PROBLEM,
     "this escape is not a Unicode character"},
    {"found a tab character where an indentation space is expected", NULL, AT_PROBLEM,
     "a tab indents this line; YAML is indented by spaces only"},
    {"found a tab character that violates indentation", NULL, AT_PROBLEM,
     "a tab indents this line; YAML is indented by spaces only"},
    {"found undefined tag handle", NULL, AT_PROBLEM,
     "tags are not supported; a text that begins with \"!\" must stand in quotes"},
    {"did not find expected tag URI", NULL, AT_CONTEXT,
     "tags are not supported; a text that begins with \"!\" must stand in quotes"},
    {"did not find expected whitespace or line break", "while scanning a tag", AT_CONTEXT,
     "tags are not supported; a text that begins with \"!\" must stand in quotes"},
    {"did not find expected <document start>", NULL, AT_PROBLEM,
     "the document is over before this: a DAG file is one mapping of `key: value` lines"},
    {"did not find expected comment or line break", "while scanning a block scalar", AT_PROBLEM,
     "after | or > the text begins on the next line; a text that begins with | or > must stand in quotes"},
    {"found incompatible YAML document", NULL, AT_PROBLEM, "unknown YAML version"},
};

/** What the text at a mark says about "found character that cannot start any token". */
static const char *explain_character(char c)
{
    switch (c) {
    case '\t':
        return "a tab indents this line; YAML is indented by spaces only";
    case '@':
        return "a text that begins with \"@\" must stand in quotes, such as \"@daily\"";
    case '`':
        return "a text that begins with \"`\" must stand in quotes";
    case '%':
        return "a text that begins with \"%\" must stand in quotes; Jinja statements {% ... %} are not "
               "supported";
    default:
        return "this character cannot begin a value; put the text in quotes";
    }
}

static char character_at(const char *text, size_t n_text, const yaml_mark_t *mark)
{
    size_t n_line;
    const char *line = yaml_text_line(text, n_text, mark->line, &n_line);
    const char *p = line;
    for (size_t i = 0; i < mark->column && p < line + n_line; i++)
        p = g_utf8_next_char(p);
    return p < line + n_line ? *p : '\0';
}

/** Whether the line has a value that begins with an unquoted {{: the commonest cause of flow errors here. */
static bool line_has_bare_template(const char *text, size_t n_text, size_t line_number, uint32_t *ret_column)
{
    static const char *const starts[] = {": {{", "- {{"};
    size_t n_line;
    const char *line = yaml_text_line(text, n_text, line_number, &n_line);
    for (size_t i = 0; i < G_N_ELEMENTS(starts); i++) {
        const char *found = memmem(line, n_line, starts[i], strlen(starts[i]));
        if (found != NULL) {
            *ret_column = (uint32_t)g_utf8_strlen(line, found - line) + 3;
            return true;
        }
    }
    return false;
}

static const Translation *find_translation(const yaml_parser_t *parser)
{
    for (size_t i = 0; i < G_N_ELEMENTS(translations); i++) {
        const Translation *t = &translations[i];
        if (strcmp(parser->problem, t->problem) == 0 &&
            (t->context == NULL ||
             (parser->context != NULL && g_str_has_prefix(parser->context, t->context))))
            return t;
    }
    return NULL;
}

static void add_at(LoadErrorList *errors, const yaml_mark_t *mark, const char *message)
{
    load_error_add(errors, (uint32_t)mark->line + 1, (uint32_t)mark->column + 1, NULL, "%s", message);
}

void yaml_problem_report(const yaml_parser_t *parser, const char *text, size_t n_text, LoadErrorList *errors)
{
    const yaml_mark_t *at = &parser->problem_mark;
    uint32_t column;
    if (parser->problem == NULL || parser->error == YAML_MEMORY_ERROR) {
        load_error_add(errors, 0, 0, NULL, "out of memory");
        return;
    }
    if (parser->error ==
        YAML_READER_ERROR) { /* yaml_text_check() has seen all of these; this is for safety */
        load_error_add(errors, 0, 0, NULL, "cannot be read as YAML: %s at byte %zu", parser->problem,
                       parser->problem_offset);
        return;
    }
    if (parser->error == YAML_PARSER_ERROR && line_has_bare_template(text, n_text, at->line, &column)) {
        load_error_add(errors, (uint32_t)at->line + 1, column, NULL,
                       "a value that begins with {{ must stand in quotes: \"{{ ... }}\"");
        return;
    }
    if (strcmp(parser->problem, "found character that cannot start any token") == 0) {
        add_at(errors, at, explain_character(character_at(text, n_text, at)));
        return;
    }
    const Translation *t = find_translation(parser);
    if (t == NULL)
        load_error_add(errors, (uint32_t)at->line + 1, (uint32_t)at->column + 1, NULL, "not valid YAML: %s",
                       parser->problem);
    else if (t->where == AT_PROBLEM_OPENED)
        load_error_add(errors, (uint32_t)at->line + 1, (uint32_t)at->column + 1, NULL,
                       "%s at line %zu, column %zu", t->message, parser->context_mark.line + 1,
                       parser->context_mark.column + 1);
    else
        add_at(errors, t->where == AT_CONTEXT && parser->context != NULL ? &parser->context_mark : at,
               t->message);
}
