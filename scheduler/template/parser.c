/* SPDX-License-Identifier: MIT */
/* Recursive descent over the grammar in README.md; each function leaves the first token it did not use
 * current. */
#include "scheduler/template/lexer.h"

#include <string.h>

typedef struct {
    TplLexer lexer;
    int nesting;
} Parser;

static TplExpression *parse_expression(Parser *parser);

static bool at_sign(const Parser *parser, char sign)
{
    return parser->lexer.token.kind == TPL_TOKEN_SIGN && parser->lexer.token.sign == sign;
}

/** What to write instead of things that Jinja has and weir has not. */
static const struct {
    const char *token, *advice;
} MISSING[] = {
    {"+",
     "templates do not calculate: join texts with ~, move dates with macros.ds_add(ds, 5) or .add(days=5)"},
    {"-", "templates do not calculate: move dates with macros.ds_add(ds, -5) or .subtract(days=5)"},
    {"*", "templates do not calculate"},
    {"/", "templates do not calculate"},
    {"%", "templates do not calculate: format dates with .strftime('%Y')"},
    {"<", "templates do not compare"},
    {">", "templates do not compare"},
    {"=", "templates do not compare or assign"},
    {"!", "templates do not compare"},
    {"if", "templates have no conditions: the filter default('other', true) stands in for what is empty"},
    {"else", "templates have no conditions"},
    {"or", "templates have no 'or': use the filter default('other', true)"},
    {"and", "templates have no conditions"},
    {"not", "templates have no conditions"},
    {"in", "templates do not compare"},
    {"is", "templates have no tests: the filter default('other') stands in for what is not defined"},
    {"for", "templates have no loops"},
    {":", "templates have no slices or dictionaries: one item is [0]"},
    {"{", "templates have no dictionaries; a literal '{{' is {{ '{{' }}"},
};

static const char *advice_for(const TplToken *token)
{
    const char sign[] = {token->sign, '\0'};
    const char *text = token->kind == TPL_TOKEN_SIGN   ? sign
                       : token->kind == TPL_TOKEN_NAME ? token->text
                                                       : "";
    for (size_t i = 0; i < G_N_ELEMENTS(MISSING); i++) {
        if (strcmp(MISSING[i].token, text) == 0)
            return MISSING[i].advice;
    }
    return NULL;
}

/** Fails at the current token, which is not `expected`. */
static bool unexpected(Parser *parser, const char *expected)
{
    TplLexer *lexer = &parser->lexer;
    const TplToken *token = &lexer->token;
    const char *advice = advice_for(token);
    if (advice != NULL)
        return tpl_lexer_fail(lexer, token->position, "unexpected '%.*s': %s",
                              (int)(token->range.end - token->range.begin), lexer->text + token->range.begin,
                              advice);
    switch (token->kind) {
    case TPL_TOKEN_NAME:
        return tpl_lexer_fail(lexer, token->position, "unexpected '%.60s'; expected %s", token->text,
                              expected);
    case TPL_TOKEN_STRING:
        return tpl_lexer_fail(lexer, token->position, "unexpected string; expected %s", expected);
    case TPL_TOKEN_NUMBER:
        return tpl_lexer_fail(lexer, token->position, "unexpected number; expected %s", expected);
    case TPL_TOKEN_SIGN:
        return tpl_lexer_fail(lexer, token->position, "unexpected '%c'; expected %s", token->sign, expected);
    case TPL_TOKEN_CLOSE:
        return tpl_lexer_fail(lexer, token->position, "unexpected '}}'; expected %s", expected);
    case TPL_TOKEN_NONE:
        break;
    }
    return tpl_lexer_fail(lexer, token->position, "expected %s", expected);
}

static bool expect_sign(Parser *parser, char sign, const char *expected)
{
    if (!at_sign(parser, sign))
        return unexpected(parser, expected);
    return tpl_lexer_advance(&parser->lexer);
}

static bool enter(Parser *parser)
{
    if (++parser->nesting > TEMPLATE_NESTING_MAX)
        return tpl_lexer_fail(&parser->lexer, parser->lexer.token.position,
                              "brackets nest deeper than %d levels here", TEMPLATE_NESTING_MAX);
    return true;
}

/** The comma-separated items of a list, through `]`. */
static bool parse_items(Parser *parser, GPtrArray *items)
{
    while (!at_sign(parser, ']')) {
        TplExpression *item = parse_expression(parser);
        if (item == NULL)
            return false;
        g_ptr_array_add(items, item);
        if (at_sign(parser, ']'))
            break;
        if (!expect_sign(parser, ',', "',' or ']'"))
            return false;
    }
    return tpl_lexer_advance(&parser->lexer);
}

static TplArgument *parse_argument(Parser *parser)
{
    TplToken *token = &parser->lexer.token;
    g_autoptr(TplArgument) argument = tpl_argument_new(token->position);
    if (token->kind == TPL_TOKEN_NAME && tpl_lexer_sees_assignment(&parser->lexer)) {
        argument->name = g_steal_pointer(&token->text);
        if (!tpl_lexer_advance(&parser->lexer) || !tpl_lexer_advance(&parser->lexer)) /* name, = */
            return NULL;
    }
    argument->value = parse_expression(parser);
    return argument->value != NULL ? g_steal_pointer(&argument) : NULL;
}

/** The arguments of a call, from the current `(` through `)`. */
static bool parse_arguments(Parser *parser, TplStep *step)
{
    if (!enter(parser) || !tpl_lexer_advance(&parser->lexer))
        return false;
    while (!at_sign(parser, ')')) {
        TplArgument *argument = parse_argument(parser);
        if (argument == NULL)
            return false;
        g_ptr_array_add(step->arguments, argument);
        if (at_sign(parser, ')'))
            break;
        if (!expect_sign(parser, ',', "',' or ')'"))
            return false;
    }
    parser->nesting--;
    step->end = parser->lexer.token.range.end;
    return tpl_lexer_advance(&parser->lexer);
}

static json_t *keyword_literal(const char *name)
{
    if (g_str_equal(name, "true") || g_str_equal(name, "True"))
        return json_true();
    if (g_str_equal(name, "false") || g_str_equal(name, "False"))
        return json_false();
    if (g_str_equal(name, "none") || g_str_equal(name, "None"))
        return json_null();
    return NULL;
}

static bool parse_name(Parser *parser, TplOperand *operand)
{
    TplToken *token = &parser->lexer.token;
    if (advice_for(token) != NULL) /* if, not, ... */
        return unexpected(parser, "a value");
    operand->literal = keyword_literal(token->text);
    operand->kind = operand->literal != NULL ? TPL_OPERAND_LITERAL : TPL_OPERAND_NAME;
    operand->name = g_steal_pointer(&token->text);
    if (!tpl_lexer_advance(&parser->lexer))
        return false;
    if (at_sign(parser, '('))
        return tpl_lexer_fail(
            &parser->lexer, operand->position,
            "'%.60s' cannot be called: calls are methods (ds.upper()), macros (macros.ds_add(ds, "
            "1)) or filters (ds | upper)",
            operand->name);
    return true;
}

/** A minus in front of a number; there is no other use of it. */
static bool parse_negative(Parser *parser, TplOperand *operand)
{
    TplToken *token = &parser->lexer.token;
    if (!tpl_lexer_advance(&parser->lexer))
        return false;
    if (token->kind != TPL_TOKEN_NUMBER)
        return unexpected(parser, "a number behind '-'");
    if (json_is_integer(token->number))
        operand->literal = json_integer(-json_integer_value(token->number));
    else
        operand->literal = json_real(-json_real_value(token->number));
    operand->kind = TPL_OPERAND_LITERAL;
    return tpl_lexer_advance(&parser->lexer);
}

/** ( expression ) or [ items ], the bracket being current. */
static bool parse_bracketed(Parser *parser, TplOperand *operand)
{
    bool is_list = at_sign(parser, '[');
    operand->kind = is_list ? TPL_OPERAND_LIST : TPL_OPERAND_GROUP;
    if (!enter(parser) || !tpl_lexer_advance(&parser->lexer))
        return false;
    if (is_list) {
        if (!parse_items(parser, operand->items))
            return false;
    } else {
        TplExpression *inner = parse_expression(parser);
        if (inner == NULL)
            return false;
        g_ptr_array_add(operand->items, inner);
        if (!expect_sign(parser, ')', "')'"))
            return false;
    }
    parser->nesting--;
    return true;
}

static bool parse_head(Parser *parser, TplOperand *operand)
{
    TplToken *token = &parser->lexer.token;
    switch (token->kind) {
    case TPL_TOKEN_STRING:
        operand->literal = json_string(token->text);
        operand->kind = TPL_OPERAND_LITERAL;
        return tpl_lexer_advance(&parser->lexer);
    case TPL_TOKEN_NUMBER:
        operand->literal = g_steal_pointer(&token->number);
        operand->kind = TPL_OPERAND_LITERAL;
        return tpl_lexer_advance(&parser->lexer);
    case TPL_TOKEN_NAME:
        return parse_name(parser, operand);
    case TPL_TOKEN_SIGN:
        if (token->sign == '-')
            return parse_negative(parser, operand);
        if (token->sign == '(' || token->sign == '[')
            return parse_bracketed(parser, operand);
        return unexpected(parser, "a value");
    case TPL_TOKEN_CLOSE:
    case TPL_TOKEN_NONE:
        break;
    }
    return unexpected(parser, "a value");
}

/** .name or .name(arguments), the dot being current. */
static TplStep *parse_dot(Parser *parser)
{
    TplToken *token = &parser->lexer.token;
    if (!tpl_lexer_advance(&parser->lexer))
        return NULL;
    if (token->kind != TPL_TOKEN_NAME) {
        unexpected(parser, token->kind == TPL_TOKEN_NUMBER ? "a name behind '.' (an item of a list is [0])"
                                                           : "a name behind '.' (other keys are ['key'])");
        return NULL;
    }
    TplPosition position = token->position;
    size_t end = token->range.end;
    g_autofree char *name = g_steal_pointer(&token->text);
    if (!tpl_lexer_advance(&parser->lexer))
        return NULL;
    bool is_call = at_sign(parser, '(');
    g_autoptr(TplStep) step = tpl_step_new(is_call ? TPL_STEP_METHOD : TPL_STEP_ATTRIBUTE, position);
    step->name = g_steal_pointer(&name);
    step->end = end;
    if (is_call && !parse_arguments(parser, step))
        return NULL;
    return g_steal_pointer(&step);
}

static TplStep *parse_index(Parser *parser)
{
    g_autoptr(TplStep) step = tpl_step_new(TPL_STEP_INDEX, parser->lexer.token.position);
    if (!enter(parser) || !tpl_lexer_advance(&parser->lexer))
        return NULL;
    step->index = parse_expression(parser);
    if (step->index == NULL)
        return NULL;
    step->end = parser->lexer.token.range.end;
    if (!expect_sign(parser, ']', "']'"))
        return NULL;
    parser->nesting--;
    return g_steal_pointer(&step);
}

static TplStep *parse_filter(Parser *parser)
{
    TplToken *token = &parser->lexer.token;
    if (!tpl_lexer_advance(&parser->lexer))
        return NULL;
    if (token->kind != TPL_TOKEN_NAME) {
        unexpected(parser, "the name of a filter");
        return NULL;
    }
    g_autoptr(TplStep) step = tpl_step_new(TPL_STEP_FILTER, token->position);
    step->name = g_steal_pointer(&token->text);
    step->end = token->range.end;
    if (!tpl_lexer_advance(&parser->lexer))
        return NULL;
    if (at_sign(parser, '(') && !parse_arguments(parser, step))
        return NULL;
    return g_steal_pointer(&step);
}

static bool parse_steps(Parser *parser, TplOperand *operand)
{
    bool filtered = false;
    for (;;) {
        TplStep *step = NULL;
        if (at_sign(parser, '|')) {
            step = parse_filter(parser);
            filtered = true;
        } else if (at_sign(parser, '.') || at_sign(parser, '[')) {
            if (filtered)
                return tpl_lexer_fail(&parser->lexer, parser->lexer.token.position,
                                      "put what is filtered in parentheses to go on from it: (a | first).b");
            step = at_sign(parser, '.') ? parse_dot(parser) : parse_index(parser);
        } else if (at_sign(parser, '(')) {
            return tpl_lexer_fail(
                &parser->lexer, parser->lexer.token.position,
                "this cannot be called: calls are methods (a.upper()) or filters (a | upper)");
        } else {
            return true;
        }
        if (step == NULL)
            return false;
        g_ptr_array_add(operand->steps, step);
    }
}

static TplOperand *parse_operand(Parser *parser)
{
    const TplToken *token = &parser->lexer.token;
    g_autoptr(TplOperand) operand = tpl_operand_new(token->position, token->range.begin);
    operand->head_end = token->range.end;
    if (!parse_head(parser, operand) || !parse_steps(parser, operand))
        return NULL;
    return g_steal_pointer(&operand);
}

static TplExpression *parse_expression(Parser *parser)
{
    g_autoptr(TplExpression) expression = tpl_expression_new(parser->lexer.token.position);
    for (;;) {
        TplOperand *operand = parse_operand(parser);
        if (operand == NULL)
            return NULL;
        g_ptr_array_add(expression->operands, operand);
        if (!at_sign(parser, '~'))
            return g_steal_pointer(&expression);
        if (!tpl_lexer_advance(&parser->lexer))
            return NULL;
    }
}

/** One `{{ ... }}` whose opener has been read. */
static TplExpression *parse_placeholder(Parser *parser)
{
    if (!tpl_lexer_advance(&parser->lexer))
        return NULL;
    parser->nesting = 0;
    g_autoptr(TplExpression) expression = parse_expression(parser);
    if (expression == NULL)
        return NULL;
    if (parser->lexer.token.kind != TPL_TOKEN_CLOSE) {
        unexpected(parser, "'|', '.', '~' or '}}'");
        return NULL;
    }
    return g_steal_pointer(&expression);
}

static bool parse_pieces(Parser *parser, Template *template)
{
    bool opened;
    do {
        g_autoptr(GString) text = g_string_new(NULL);
        if (!tpl_lexer_read_text(&parser->lexer, text, &opened))
            return false;
        if (text->len > 0)
            g_ptr_array_add(template->pieces,
                            tpl_piece_new(g_string_free(g_steal_pointer(&text), FALSE), NULL));
        if (opened) {
            TplExpression *expression = parse_placeholder(parser);
            if (expression == NULL)
                return false;
            g_ptr_array_add(template->pieces, tpl_piece_new(NULL, expression));
        }
    } while (opened);
    return true;
}

Template *template_parse(const char *text, TemplateError *ret_error)
{
    *ret_error = (TemplateError){0};
    g_autoptr(Template) template = g_new0(Template, 1);
    template->text = g_strdup(text);
    template->pieces = g_ptr_array_new_with_free_func((GDestroyNotify)tpl_piece_free);
    Parser parser = {0};
    tpl_lexer_init(&parser.lexer, template->text, ret_error);
    bool parsed = g_utf8_validate(text, -1, NULL)
                      ? parse_pieces(&parser, template)
                      : tpl_lexer_fail(&parser.lexer, parser.lexer.position, "this text is not valid UTF-8");
    tpl_lexer_clear(&parser.lexer);
    return parsed ? g_steal_pointer(&template) : NULL;
}
