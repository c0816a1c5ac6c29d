/* SPDX-License-Identifier: MIT */
#include "scheduler/time/zone_name.h"

#include <string.h>

#define NAME_MAX_BYTES 64

/* The only names without a slash that hold a digit: anything else of that shape is a POSIX rule like ABC3. */
static const char *const names_with_digits[] = {"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT",
                                                "GMT0",    "GMT+0",   "GMT-0",   NULL};

/* Files of the zone folder that are no zones, or not the same one everywhere; right/ counts leap seconds. */
static const char *const not_names[] = {"localtime", "posixrules", "leapseconds", "Factory",
                                        "posix",     "right",      NULL};

bool zone_name_is_safe(const char *name)
{
    size_t length = strlen(name);
    if (length < 2 || length > NAME_MAX_BYTES || !g_ascii_isalpha(name[0]) || name[length - 1] == '/')
        return false;
    bool digits = false;
    for (const char *p = name; *p != '\0'; p++) {
        if (!g_ascii_isalnum(*p) && strchr("_+-/", *p) == NULL)
            return false;
        if (p[0] == '/' && p[1] == '/')
            return false;
        digits = digits || g_ascii_isdigit(*p);
    }
    if (digits && strchr(name, '/') == NULL && !g_strv_contains(names_with_digits, name))
        return false;
    g_autofree char *first = g_strndup(name, strcspn(name, "/"));
    return !g_strv_contains(not_names, first);
}

static bool is_known(const char *name)
{
    g_autoptr(GTimeZone) tz = zone_name_is_safe(name) ? g_time_zone_new_identifier(name) : NULL;
    return tz != NULL;
}

/** What people write for a zone although it is the name of an offset, a country or a company's habit. */
static const struct {
    const char *wrong, *right;
} nicknames[] = {
    {"utc", "UTC"},
    {"Z", "UTC"},
    {"Zulu time", "UTC"},
    {"BST", "Europe/London"},
    {"UK", "Europe/London"},
    {"CEST", "Europe/Berlin"},
    {"EDT", "America/New_York"},
    {"ET", "America/New_York"},
    {"CST", "America/Chicago"},
    {"CDT", "America/Chicago"},
    {"CT", "America/Chicago"},
    {"MDT", "America/Denver"},
    {"PST", "America/Los_Angeles"},
    {"PDT", "America/Los_Angeles"},
    {"PT", "America/Los_Angeles"},
    {"IST", "Asia/Kolkata"},
    {"JST", "Asia/Tokyo"},
    {"AEST", "Australia/Sydney"},
    {"AEDT", "Australia/Sydney"},
    {"San_Francisco", "America/Los_Angeles"},
    {"Beijing", "Asia/Shanghai"},
    {"Mumbai", "Asia/Kolkata"},
};

/* For typing errors ("Europe/Lodnon"); a list in memory, because walking the zone folder costs 600 lookups.
 */
static const char *const common_names[] = {
    "UTC",
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Lima",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Toronto",
    "America/Vancouver",
    "Asia/Bangkok",
    "Asia/Dhaka",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Istanbul",
    "Asia/Jakarta",
    "Asia/Jerusalem",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Taipei",
    "Asia/Tehran",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Australia/Melbourne",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Brussels",
    "Europe/Dublin",
    "Europe/Helsinki",
    "Europe/Istanbul",
    "Europe/Kyiv",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Moscow",
    "Europe/Oslo",
    "Europe/Paris",
    "Europe/Prague",
    "Europe/Rome",
    "Europe/Stockholm",
    "Europe/Vienna",
    "Europe/Warsaw",
    "Europe/Zurich",
    "Pacific/Auckland",
    "Pacific/Honolulu",
    NULL,
};

/** "new york" -> "New_York", "europe/london" -> "Europe/London". */
static char *capitalise(const char *name)
{
    char *fixed = g_ascii_strdown(name, -1);
    bool start = true;
    for (char *p = fixed; *p != '\0'; p++) {
        if (*p == ' ')
            *p = '_';
        if (start)
            *p = g_ascii_toupper(*p);
        start = *p == '_' || *p == '/' || *p == '-';
    }
    return fixed;
}

/** A name that exists and is probably meant; NULL if none comes to mind. The caller frees it. */
static char *near_name(const char *name)
{
    static const char *const areas[] = {"Europe",    "America", "Asia",     "Africa",
                                        "Australia", "Pacific", "Atlantic", "Indian"};
    for (size_t i = 0; i < G_N_ELEMENTS(nicknames); i++) {
        if (g_ascii_strcasecmp(name, nicknames[i].wrong) == 0)
            return g_strdup(nicknames[i].right);
    }
    g_autofree char *fixed = capitalise(name);
    if (is_known(fixed))
        return g_steal_pointer(&fixed);
    for (size_t i = 0; strchr(fixed, '/') == NULL && i < G_N_ELEMENTS(areas); i++) {
        g_autofree char *full = g_strconcat(areas[i], "/", fixed, NULL);
        if (is_known(full))
            return g_steal_pointer(&full);
    }
    return g_strdup(suggest_nearest(fixed, common_names));
}

void zone_name_set_error(const char *name, GError **error)
{
    g_autofree char *shown = g_utf8_make_valid(name, (gssize)strnlen(name, NAME_MAX_BYTES));
    if (zone_name_is_safe(name) && !is_known("Etc/UTC") && !is_known("Europe/London")) {
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "time zone '%s' cannot be used: this machine has no time zone data; install the package "
                    "tzdata, or use UTC",
                    shown);
        return;
    }
    g_autofree char *near = strlen(name) > NAME_MAX_BYTES ? NULL : near_name(name);
    if (near != NULL)
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID, "unknown time zone '%s'; did you mean %s?", shown,
                    near);
    else
        g_set_error(error, WEIR_ERROR, WEIR_ERROR_INVALID,
                    "unknown time zone '%s'; use an IANA name such as Europe/London, or UTC", shown);
}
