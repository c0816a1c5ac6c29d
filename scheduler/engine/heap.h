/* SPDX-License-Identifier: MIT */
/**
 * A binary heap of pointers whose items know their place, so that any item can be moved or taken out in
 * O(log n). GLib has no such thing.
 *
 * Each item has a `uint32_t` field at `position_offset`, HEAP_ABSENT while it is in no heap.
 */
#pragma once

#include <glib.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HEAP_ABSENT UINT32_MAX

typedef struct {
    GPtrArray *items;
    /** < 0: `a` comes out before `b`. Must never be 0 for two different items: order is part of the result.
     */
    int (*compare)(const void *a, const void *b);
    size_t position_offset;
} Heap;

void heap_init(Heap *heap, int (*compare)(const void *a, const void *b), size_t position_offset);
/** Frees the heap, not the items. */
void heap_done(Heap *heap);

bool heap_contains(const Heap *heap, const void *item);
void heap_push(Heap *heap, void *item);
/** NULL when empty. */
void *heap_peek(const Heap *heap);
void *heap_pop(Heap *heap);
/** Nothing if absent. */
void heap_remove(Heap *heap, void *item);
/** To be called after the item's order has changed. */
void heap_update(Heap *heap, void *item);
