/* SPDX-License-Identifier: MIT */
#include "scheduler/load/yaml_arena.h"

#include <stddef.h>
#include <string.h>

#define FIRST_BLOCK_BYTES 8192
#define MAX_BLOCK_BYTES   (1024 * 1024)

void yaml_arena_init(YamlArena *arena)
{
    *arena = (YamlArena){.blocks = g_ptr_array_new_with_free_func(g_free)};
}

void yaml_arena_clear(YamlArena *arena)
{
    g_clear_pointer(&arena->blocks, g_ptr_array_unref);
}

void *yaml_arena_alloc(YamlArena *arena, size_t n)
{
    n = (n + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    if (n > arena->n_left) {
        size_t block =
            MIN((size_t)FIRST_BLOCK_BYTES << MIN(arena->blocks->len, 16u), (size_t)MAX_BLOCK_BYTES);
        block = MAX(block, n);
        arena->cursor = g_malloc0(block);
        arena->n_left = block;
        g_ptr_array_add(arena->blocks, arena->cursor);
    }
    void *memory = arena->cursor;
    arena->cursor += n;
    arena->n_left -= n;
    return memory;
}

char *yaml_arena_copy(YamlArena *arena, const char *text, size_t n)
{
    char *copy = yaml_arena_alloc(arena, n + 1);
    if (n > 0)
        memcpy(copy, text, n);
    return copy;
}
