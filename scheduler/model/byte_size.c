/* SPDX-License-Identifier: MIT */
#include "scheduler/model/byte_size.h"

#include <string.h>

static const char units[] = "KMGTP";

/** "", "B", "K", "KB", "KiB", ... -> the power of 1024; -1 for anything else. */
static int unit_power(const char *text)
{
    if (g_ascii_strcasecmp(text, "") == 0 || g_ascii_strcasecmp(text, "B") == 0)
        return 0;
    const char *unit = strchr(units, g_ascii_toupper(text[0]));
    bool is_whole =
        text[1] == '\0' || g_ascii_strcasecmp(text + 1, "B") == 0 || g_ascii_strcasecmp(text + 1, "iB") == 0;
    return unit != NULL && is_whole ? (int)(unit - units) + 1 : -1;
}

bool byte_size_parse(const char *text, int64_t *ret_bytes, GError **error)
{
    char *end = NULL;
    double number = g_ascii_isdigit(text[0]) ? g_ascii_strtod(text, &end) : -1;
    size_t n_number = strspn(text, "0123456789.");
    int power = -1;
    if (end == text + n_number && n_number > 0) { /* not 1e3, 0x10, inf */
        while (*end == ' ')
            end++;
        power = unit_power(end);
    }
    for (int i = 0; i < power; i++)
        number *= 1024;
    if (power < 0 || number >= (double)INT64_MAX) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "\"%s\" is not a size: write bytes, or 100M, 1.5G (K, M, G, T, P)", text);
        return false;
    }
    *ret_bytes = (int64_t)number;
    return true;
}

char *byte_size_format(int64_t bytes)
{
    if (bytes < 1024)
        return g_strdup_printf("%d B", (int)bytes);
    int power = 0;
    int64_t unit = 1024;
    while (power + 1 < (int)strlen(units) && bytes / 1024 >= unit) {
        unit *= 1024;
        power++;
    }
    int64_t whole = bytes / unit; /* rounded down: too little never looks like enough */
    int64_t hundredths = (int64_t)((double)(bytes % unit) * 100.0 / (double)unit);
    if (hundredths == 0 || whole >= 100)
        return g_strdup_printf("%d%c", (int)whole, units[power]);
    if (whole >= 10)
        return g_strdup_printf("%d.%d%c", (int)whole, (int)(hundredths / 10), units[power]);
    return g_strdup_printf("%d.%02d%c", (int)whole, (int)hundredths, units[power]);
}
