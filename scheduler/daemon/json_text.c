/* SPDX-License-Identifier: MIT */
#include "scheduler/daemon/json_text.h"

bool json_text_nesting_is_fine(const char *text)
{
    int depth = 0;
    bool in_string = false;
    for (const char *c = text; *c != '\0'; c++) {
        if (in_string) {
            if (*c == '\\' && c[1] != '\0')
                c++;
            else if (*c == '"')
                in_string = false;
        } else if (*c == '"') {
            in_string = true;
        } else if (*c == '[' || *c == '{') {
            if (++depth > JSON_TEXT_NESTING_MAX)
                return false;
        } else if (*c == ']' || *c == '}') {
            depth--;
        }
    }
    return true;
}
