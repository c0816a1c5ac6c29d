/* SPDX-License-Identifier: MIT */
/** Private to the loader: memory that is freed all at once. */
#pragma once

#include <glib.h>

typedef struct {
    GPtrArray *blocks;
    char *cursor;
    size_t n_left;
} YamlArena;

void yaml_arena_init(YamlArena *arena);
void yaml_arena_clear(YamlArena *arena);
/** Zeroed and aligned for any type. */
void *yaml_arena_alloc(YamlArena *arena, size_t n);
/** A NUL-terminated copy. */
char *yaml_arena_copy(YamlArena *arena, const char *text, size_t n);
