/* SPDX-License-Identifier: MIT */
#include "tools/emulator/place.h"

#include "tools/emulator/text.h"

#include <math.h>

#define FIRST_POST INT64_C(1508544000) /* 2017-10-21 */
#define YEAR       (365 * 86400)

/** Sorted: the first ones are drawn far more often, as in the real data, where 4 of 10 begin with an A. */
static const char *const countries[] = {
    "Albania",
    "Algeria",
    "Armenia",
    "Aruba",
    "Andorra",
    "American Samoa",
    "Argentina",
    "Australia",
    "Austria",
    "Antigua and Barbuda",
    "Angola",
    "Anguilla",
    "Azerbaijan",
    "Afghanistan",
    "Antarctica (the territory South of 60 deg S)",
    "Bahamas",
    "Bahrain",
    "Bangladesh",
    "Barbados",
    "Belarus",
    "Belgium",
    "Belize",
    "Benin",
    "Bhutan",
    "Bolivia",
    "Botswana",
    "Brazil",
    "Bulgaria",
    "Burundi",
    "Cambodia",
    "Cameroon",
    "Canada",
    "Cape Verde",
    "Chad",
    "Chile",
    "China",
    "Cocos (Keeling) Islands",
    "Colombia",
    "Comoros",
    "Costa Rica",
    "Cote d'Ivoire",
    "Croatia",
    "Cuba",
    "Cyprus",
    "Denmark",
    "Djibouti",
    "Dominica",
    "Ecuador",
    "Egypt",
    "Estonia",
    "Ethiopia",
    "Fiji",
    "Finland",
    "France",
    "Gabon",
    "Gambia",
    "Georgia",
    "Germany",
    "Ghana",
    "Greece",
    "Guinea-Bissau",
    "Haiti",
    "Honduras",
    "Hungary",
    "Iceland",
    "India",
    "Indonesia",
    "Ireland",
    "Isle of Man",
    "Italy",
    "Jamaica",
    "Japan",
    "Kenya",
    "Kuwait",
    "Latvia",
    "Lesotho",
    "Libya",
    "Lithuania",
    "Madagascar",
    "Maldives",
    "Mali",
    "Malta",
    "Mexico",
    "Monaco",
    "Mongolia",
    "Mozambique",
    "Namibia",
    "Nepal",
    "New Zealand",
    "Norway",
    "Oman",
    "Panama",
    "Peru",
    "Poland",
    "Portugal",
    "Qatar",
    "Romania",
    "Saint Vincent and the Grenadines",
    "Senegal",
    "Slovenia",
    "Spain",
    "Sweden",
    "Timor-Leste",
    "Tonga",
    "Tunisia",
    "Uganda",
    "Ukraine",
    "Uruguay",
    "Vanuatu",
    "Viet Nam",
    "Yemen",
    "Zambia",
    "Zimbabwe",
};

/** Times of 137 posts, by the year that begins on FIRST_POST: most of them in the first two. */
static const uint32_t years[] = {36, 36, 29, 21, 15};

static const char *random_country(Random *random)
{
    const size_t count = G_N_ELEMENTS(countries);
    return countries[(size_t)(pow(random_unit(random), 2.4) * (double)count)];
}

void place_append_record(GString *out, uint64_t seed, uint64_t number, uint64_t person, uint64_t ind)
{
    Random place = random_stream(seed, RANDOM_PLACE, person);
    Random visit = random_stream(seed, RANDOM_PLACE, ~number);
    char degrees[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append_c(out, '{');
    text_append_key(out, "country");
    text_append_json(out, random_country(&place));
    text_append_key(out, "ind");
    g_string_append_printf(out, "%" G_GUINT64_FORMAT, ind);
    text_append_key(out, "latitude");
    g_string_append(
        out, g_ascii_formatd(degrees, sizeof degrees, "%.6g", -90 + 180 * pow(random_unit(&place), 3.3)));
    text_append_key(out, "longitude");
    g_string_append(
        out, g_ascii_formatd(degrees, sizeof degrees, "%.6g", -180 + 360 * pow(random_unit(&place), 3.6)));
    text_append_key(out, "timestamp");
    const int64_t year = (int64_t)random_weighted(&visit, years, G_N_ELEMENTS(years));
    text_append_time(out, FIRST_POST + year * YEAR + random_below(&visit, YEAR));
    g_string_append_len(out, "}\n", 2);
}
