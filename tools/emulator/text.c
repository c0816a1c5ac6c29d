/* SPDX-License-Identifier: MIT */
#include "tools/emulator/text.h"

#include <string.h>

static const char *const adjectives[] = {
    "easy",    "quiet",  "modern", "rustic",   "tiny",    "bright",   "cosy",      "simple",
    "vintage", "clever", "budget", "bold",     "gentle",  "playful",  "elegant",   "fresh",
    "warm",    "rainy",  "sunny",  "handmade", "minimal", "golden",   "forgotten", "weekend",
    "family",  "slow",   "honest", "folded",   "striped", "northern",
};
static const char *const nouns[] = {
    "shelf",  "lantern",  "notebook", "garden",  "kitchen",  "ribbon",    "harbour", "jacket",
    "wreath", "bicycle",  "planner",  "recipe",  "mountain", "candle",    "letter",  "ceramic",
    "window", "necklace", "workshop", "village", "ladder",   "classroom", "table",   "pattern",
    "quilt",  "portrait", "engine",   "island",  "picnic",   "invoice",
};
static const char *const plurals[] = {
    "ideas",  "lessons",     "tips",   "projects", "sketches",   "outfits",    "routes",
    "quotes", "decorations", "habits", "looks",    "crafts",     "printables", "mistakes",
    "gifts",  "designs",     "themes", "recipes",  "checklists", "tricks",
};
static const char *const verbs[] = {
    "paint", "plan", "sew",  "visit", "repair", "bake", "frame", "teach", "draw", "pack",
    "style", "fold", "save", "build", "choose", "mend", "hang",  "write", "wear", "share",
};
static const char *const seasons[] = {"spring",   "summer",  "autumn", "winter", "holiday",
                                      "birthday", "wedding", "Monday", "school", "garden"};
static const char *const people[] = {"beginners",  "teachers",        "toddlers", "students",
                                     "travellers", "new parents",     "two",      "small spaces",
                                     "busy weeks", "the whole street"};
static const char *const non_ascii[] = {"café",        "crème brûlée", "Größe",    "piñata",
                                        "smörgåsbord", "naïve",        "日本の庭", "дача",
                                        "🎄",           "“quoted”",     "½ price",  "it’s"};
static const char *const first_names[] = {
    "Ada",   "Alma",  "Arlo",  "Avery", "Beatrix", "Bruno",   "Calla", "Cedric", "Dara",  "Edgar",
    "Elise", "Farah", "Felix", "Gemma", "Gideon",  "Hana",    "Hugo",  "Imogen", "Jonas", "Juno",
    "Kiran", "Lena",  "Lorne", "Marta", "Milo",    "Nadia",   "Noel",  "Odette", "Oscar", "Petra",
    "Quinn", "Rafe",  "Ronja", "Silas", "Tamsin",  "Theodor", "Uma",   "Viggo",  "Wren",  "Yusuf",
};
static const char *const last_names[] = {
    "Abery",   "Alder",     "Ashdown", "Barlow",    "Birch",   "Brook",     "Calder",     "Carver",
    "Dunmore", "Eastwick",  "Farrow",  "Finch",     "Garland", "Hale",      "Hollis",     "Ibsen",
    "Jarvis",  "Kestrel",   "Larkin",  "Lindqvist", "Marlowe", "Mercer",    "Norrington", "Oakes",
    "O'Dell",  "Pemberton", "Quill",   "Redfern",   "Sorrel",  "St. Clair", "Thorne",     "Tilbury",
    "Upton",   "Vance",     "Wexford", "Whitlock",  "Yarrow",  "Yates",     "Zeller",     "Ziegler",
};

#define PICK(random, list) ((list)[random_below((random), G_N_ELEMENTS(list))])

static void append_word(GString *out, const char *word)
{
    g_string_append(out, word);
    g_string_append_c(out, ' ');
}

static void drop_last(GString *out)
{
    g_string_truncate(out, out->len - 1);
}

/** Raises the first letter at `from`, where it is ASCII. */
static void capitalise(GString *out, gsize from)
{
    out->str[from] = g_ascii_toupper(out->str[from]);
}

static void append_capitalised(GString *out, const char *word)
{
    const gsize from = out->len;
    append_word(out, word);
    capitalise(out, from);
}

/** "Easy autumn shelf ideas for beginners": 25 to 60 bytes. */
static void append_phrase(GString *out, Random *random)
{
    append_word(out, PICK(random, adjectives));
    append_word(out, PICK(random, seasons));
    append_word(out, PICK(random, nouns));
    append_word(out, PICK(random, plurals));
    if (random_chance(random, 2, 3)) {
        append_word(out, "for");
        append_word(out, PICK(random, people));
    }
    drop_last(out);
}

void text_append_title(GString *out, Random *random)
{
    const gsize from = out->len;
    const uint32_t kind = random_below(random, 12);

    if (kind < 3)
        g_string_append_printf(out, "%u ", random_between(random, 5, 101));
    append_phrase(out, random);
    if (kind == 3)
        g_string_append_printf(out, " – %s", PICK(random, non_ascii));
    else if (kind == 4)
        g_string_append_printf(out, " | %s %s", PICK(random, nouns), PICK(random, plurals));
    else if (kind == 5)
        g_string_append_printf(out, ", or how to %s a \"%s\"", PICK(random, verbs), PICK(random, nouns));
    capitalise(out, from);
}

void text_append_description(GString *out, Random *random)
{
    const uint32_t wanted = random_between(random, 20, 200);
    const gsize from = out->len;

    while (out->len - from < wanted) {
        const gsize sentence = out->len;
        append_word(out, PICK(random, verbs));
        append_word(out, "the");
        append_phrase(out, random);
        capitalise(out, sentence);
        if (random_chance(random, 1, 40))
            g_string_append_printf(out, " \"%s\"", PICK(random, nouns));
        if (random_chance(random, 1, 20))
            g_string_append_printf(out, " %s", PICK(random, non_ascii));
        if (random_chance(random, 1, 200))
            g_string_append(out, " C:\\photos\\new");
        append_word(out, ".");
    }
    if (wanted > 130)
        g_string_append(out, "…\u00a0"); /* cut by the page it was taken from */
    else
        drop_last(out);
}

void text_append_tags(GString *out, Random *random)
{
    const uint32_t count = random_chance(random, 1, 40) ? 16 : 9;

    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        append_capitalised(out, PICK(random, adjectives));
        append_capitalised(out, PICK(random, nouns));
        if (random_chance(random, 1, 3))
            append_capitalised(out, PICK(random, plurals));
        drop_last(out);
    }
    if (random_chance(random, 1, 66))
        g_string_append_printf(out, ",%s", PICK(random, non_ascii));
}

void text_append_poster(GString *out, Random *random)
{
    g_string_append_printf(out, "%s %s", text_first_name(random), text_last_name(random));
    const uint32_t kind = random_below(random, 24);
    if (kind < 10) {
        g_string_append(out, kind < 5 ? " | " : " - ");
        append_capitalised(out, PICK(random, adjectives));
        append_capitalised(out, PICK(random, nouns));
        append_capitalised(out, PICK(random, plurals));
        drop_last(out);
    } else if (kind == 10) {
        g_string_append_printf(out, ", %s", PICK(random, plurals));
    } else if (kind == 11) {
        g_string_append_printf(out, " \"%s\"", PICK(random, nouns));
    } else if (kind == 12) {
        g_string_append_printf(out, " %s", PICK(random, non_ascii));
    } else if (kind == 13) {
        g_string_append_c(out, ' ');
    }
}

const char *text_first_name(Random *random)
{
    return PICK(random, first_names);
}

const char *text_last_name(Random *random)
{
    return PICK(random, last_names);
}

void text_append_json(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    while (*text != '\0') {
        size_t plain = 0;
        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
            plain++;
        g_string_append_len(out, text, (gssize)plain);
        text += plain;
        if (*text == '\0')
            break;
        if (*text == '"' || *text == '\\') {
            g_string_append_c(out, '\\');
            g_string_append_c(out, *text);
        } else {
            g_string_append_printf(out, "\\u%04x", (unsigned)(unsigned char)*text);
        }
        text++;
    }
    g_string_append_c(out, '"');
}

void text_append_key(GString *out, const char *name)
{
    if (out->str[out->len - 1] != '{')
        g_string_append_len(out, ", ", 2);
    g_string_append_c(out, '"');
    g_string_append(out, name);
    g_string_append_len(out, "\": ", 3);
}

static void append_digits(GString *out, uint32_t value, uint32_t width, char end)
{
    char digits[8];
    digits[width] = end;
    for (uint32_t i = width; i-- > 0; value /= 10)
        digits[i] = (char)('0' + value % 10);
    g_string_append_len(out, digits, (gssize)width + 1);
}

void text_append_time(GString *out, int64_t seconds)
{
    /* Days to a date, after Howard Hinnant's civil_from_days; gmtime_r takes the time zone lock. */
    const int64_t day = seconds / 86400;
    const uint32_t second = (uint32_t)(seconds % 86400);
    const int64_t z = day + 719468;
    const int64_t era = z / 146097;
    const uint32_t day_of_era = (uint32_t)(z % 146097);
    const uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const uint32_t shifted_month = (5 * day_of_year + 2) / 153;
    const uint32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;

    g_string_append_c(out, '"');
    append_digits(out, (uint32_t)(era * 400) + year_of_era + (month <= 2 ? 1 : 0), 4, '-');
    append_digits(out, month, 2, '-');
    append_digits(out, day_of_year - (153 * shifted_month + 2) / 5 + 1, 2, 'T');
    append_digits(out, second / 3600, 2, ':');
    append_digits(out, second / 60 % 60, 2, ':');
    append_digits(out, second % 60, 2, '"');
}
