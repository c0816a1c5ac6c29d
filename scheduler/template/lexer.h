/* SPDX-License-Identifier: MIT */
/**
 * Cuts a template into literal text and the tokens of its expressions, counting lines and columns. Private to
 * this folder. The text is read once, from front to back.
 */
#pragma once

#include "scheduler/template/ast.h"

typedef enum {
    TPL_TOKEN_NONE,
    TPL_TOKEN_NAME,   /**< `text` */
    TPL_TOKEN_STRING, /**< `text`, unescaped */
    TPL_TOKEN_NUMBER, /**< `number` */
    TPL_TOKEN_SIGN,   /**< `sign`: one character of punctuation */
    TPL_TOKEN_CLOSE,  /**< }} */
} TplTokenKind;

typedef struct {
    TplTokenKind kind;
    TplPosition position;
    TplRange range;
    char *text;
    json_t *number;
    char sign;
} TplToken;

typedef struct {
    const char *text, *at; /**< borrowed; `at` is what is read next */
    TplPosition position;  /**< of `at` */
    TplPosition opened;    /**< where the expression that is being read began */
    TplToken token;        /**< the current token */
    bool trim_next;        /**< the last expression ended with -}}: drop white space after it */
    TemplateError *error;  /**< the first error, when its message is set */
} TplLexer;

void tpl_lexer_init(TplLexer *lexer, const char *text, TemplateError *error);
void tpl_lexer_clear(TplLexer *lexer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TplLexer, tpl_lexer_clear)

/**
 * Appends literal text up to the next `{{` (comments left out) and steps behind it; `ret_opened` says whether
 * there was one. False on an error.
 */
bool tpl_lexer_read_text(TplLexer *lexer, GString *text, bool *ret_opened);

/** Reads the next token of an expression into `lexer->token`. False on an error. */
bool tpl_lexer_advance(TplLexer *lexer);

/** Whether a single `=` follows the current token. */
bool tpl_lexer_sees_assignment(const TplLexer *lexer);

/** Sets the error unless one is set. Always false. */
bool tpl_lexer_fail(TplLexer *lexer, TplPosition position, const char *format, ...) G_GNUC_PRINTF(3, 4);
