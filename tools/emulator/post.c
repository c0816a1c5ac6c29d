/* SPDX-License-Identifier: MIT */
#include "tools/emulator/post.h"

#include "tools/emulator/text.h"

#include <math.h>

static const struct {
    const char *name;
    uint32_t weight;
} categories[] = {
    {"art", 17},     {"diy-and-crafts", 16}, {"christmas", 13},     {"travel", 12},   {"mens-fashion", 12},
    {"quotes", 11},  {"beauty", 11},         {"tattoos", 10},       {"education", 8}, {"finance", 8},
    {"vehicles", 8}, {"home-decor", 6},      {"event-planning", 5},
};

/** What the scraper made of a post. The weights are counts of 137 records. */
typedef enum {
    KIND_IMAGE,
    KIND_VIDEO,
    KIND_STORY,    /**< many pictures or films: it has no description */
    KIND_ERROR,    /**< the page did not load: nearly every column says so */
    KIND_UNTITLED, /**< an image whose description is only a title: none */
    KIND_COUNT,
} PostKind;

static const uint32_t kind_weights[KIND_COUNT] = {119, 6, 6, 5, 1};

static const char *random_category(Random *random)
{
    uint32_t weights[G_N_ELEMENTS(categories)];
    for (size_t i = 0; i < G_N_ELEMENTS(categories); i++)
        weights[i] = categories[i].weight;
    return categories[random_weighted(random, weights, G_N_ELEMENTS(categories))].name;
}

/** Of 132 posts: 104 in thousands, 9 in millions, 15 plain, 4 with nobody following. */
static void append_followers(GString *out, Random *random)
{
    const uint32_t ticket = random_below(random, 132);
    const double unit = random_unit(random);

    if (ticket < 104)
        g_string_append_printf(out, "\"%uk\"", (uint32_t)pow(1000, unit));
    else if (ticket < 113)
        g_string_append_printf(out, "\"%uM\"", 1 + (uint32_t)(unit * 6));
    else if (ticket < 128)
        g_string_append_printf(out, "\"%u\"", 1 + (uint32_t)(unit * 999));
    else
        g_string_append(out, "\"0\"");
}

static void append_hex(GString *out, uint64_t value, uint32_t digits)
{
    static const char hex[] = "0123456789abcdef";
    char text[16];
    for (uint32_t i = 0; i < digits; i++)
        text[i] = hex[(value >> (4 * i)) & 15];
    g_string_append_len(out, text, (gssize)digits);
}

static void append_unique_id(GString *out, Random *random)
{
    const uint64_t high = random_next(random), low = random_next(random);
    g_string_append_c(out, '"');
    append_hex(out, high, 8);
    g_string_append_c(out, '-');
    append_hex(out, high >> 32, 4);
    g_string_append_len(out, "-4", 2);
    append_hex(out, high >> 48, 3);
    g_string_append_c(out, '-');
    append_hex(out, 8 + (high >> 60) % 4, 1);
    append_hex(out, low, 3);
    g_string_append_c(out, '-');
    append_hex(out, low >> 12, 12);
    g_string_append_c(out, '"');
}

static void append_image_src(GString *out, Random *random, PostKind kind)
{
    const uint64_t high = random_next(random), low = random_next(random);
    g_string_append(out, "\"https://images.pins.example/");
    g_string_append(out, kind == KIND_IMAGE || kind == KIND_UNTITLED ? "originals/"
                                                                     : "videos/thumbnails/originals/");
    for (uint32_t i = 0; i < 3; i++) {
        append_hex(out, high >> (8 * i), 2);
        g_string_append_c(out, '/');
    }
    append_hex(out, high, 16);
    append_hex(out, low, 16);
    g_string_append(out, low % 10 == 0 ? ".png\"" : ".jpg\"");
}

/** Appends what `compose` writes as a JSON string. */
static void append_text(GString *out, GString *scratch, Random *random, void (*compose)(GString *, Random *))
{
    g_string_truncate(scratch, 0);
    compose(scratch, random);
    text_append_json(out, scratch->str);
}

static void append_description(GString *out, GString *scratch, Random *random, PostKind kind)
{
    if (kind == KIND_STORY || kind == KIND_ERROR)
        text_append_json(out, "No description available Story format");
    else if (kind == KIND_UNTITLED)
        text_append_json(out, "Untitled");
    else if (random_chance(random, 1, 125))
        text_append_json(out, "No description available");
    else
        append_text(out, scratch, random, text_append_description);
}

void post_append_record(GString *out, GString *scratch, uint64_t seed, uint64_t number, uint64_t ind)
{
    Random stream = random_stream(seed, RANDOM_POST, number);
    Random *random = &stream;
    const PostKind kind = (PostKind)random_weighted(random, kind_weights, KIND_COUNT);
    const bool error = kind == KIND_ERROR;
    const bool no_tags = error || (kind == KIND_VIDEO && random_chance(random, 1, 6));
    const char *category = random_category(random);

    g_string_append_c(out, '{');
    text_append_key(out, "category");
    text_append_json(out, category);
    text_append_key(out, "description");
    append_description(out, scratch, random, kind);
    text_append_key(out, "downloaded");
    g_string_append_c(out, error ? '0' : '1');
    text_append_key(out, "follower_count");
    if (error)
        text_append_json(out, "User Info Error");
    else
        append_followers(out, random);
    text_append_key(out, "image_src");
    if (error)
        text_append_json(out, "Image src error.");
    else
        append_image_src(out, random, kind);
    text_append_key(out, "index");
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, ind);
    text_append_key(out, "is_image_or_video");
    text_append_json(out, kind == KIND_VIDEO                         ? "video"
                          : kind == KIND_STORY || kind == KIND_ERROR ? "multi-video(story page format)"
                                                                     : "image");
    text_append_key(out, "poster_name");
    if (error)
        text_append_json(out, "User Info Error");
    else
        append_text(out, scratch, random, text_append_poster);
    text_append_key(out, "save_location");
    g_string_append(out, "\"Local save in /data/");
    g_string_append(out, category);
    g_string_append_c(out, '"');
    text_append_key(out, "tag_list");
    if (no_tags)
        text_append_json(out, "N,o, ,T,a,g,s, ,A,v,a,i,l,a,b,l,e");
    else
        append_text(out, scratch, random, text_append_tags);
    text_append_key(out, "title");
    if (error)
        text_append_json(out, "No Title Data Available");
    else
        append_text(out, scratch, random, text_append_title);
    text_append_key(out, "unique_id");
    append_unique_id(out, random);
    g_string_append_len(out, "}\n", 2);
}
