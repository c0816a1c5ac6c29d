/* SPDX-License-Identifier: MIT */
#include "scheduler/engine/heap.h"

static uint32_t *position_of(const Heap *heap, const void *item)
{
    return (uint32_t *)(void *)((char *)item + heap->position_offset);
}

static void place(Heap *heap, uint32_t at, void *item)
{
    heap->items->pdata[at] = item;
    *position_of(heap, item) = at;
}

static void sift_up(Heap *heap, uint32_t at)
{
    void *item = heap->items->pdata[at];
    while (at > 0) {
        uint32_t parent = (at - 1) / 2;
        if (heap->compare(heap->items->pdata[parent], item) <= 0)
            break;
        place(heap, at, heap->items->pdata[parent]);
        at = parent;
    }
    place(heap, at, item);
}

static void sift_down(Heap *heap, uint32_t at)
{
    void *item = heap->items->pdata[at];
    uint32_t n = heap->items->len;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= n)
            break;
        if (child + 1 < n && heap->compare(heap->items->pdata[child + 1], heap->items->pdata[child]) < 0)
            child++;
        if (heap->compare(item, heap->items->pdata[child]) <= 0)
            break;
        place(heap, at, heap->items->pdata[child]);
        at = child;
    }
    place(heap, at, item);
}

void heap_init(Heap *heap, int (*compare)(const void *a, const void *b), size_t position_offset)
{
    heap->items = g_ptr_array_new();
    heap->compare = compare;
    heap->position_offset = position_offset;
}

void heap_done(Heap *heap)
{
    g_clear_pointer(&heap->items, g_ptr_array_unref);
}

bool heap_contains(const Heap *heap, const void *item)
{
    uint32_t at = *position_of(heap, item);
    return at < heap->items->len && heap->items->pdata[at] == item;
}

void heap_push(Heap *heap, void *item)
{
    g_assert(*position_of(heap, item) == HEAP_ABSENT);
    g_ptr_array_add(heap->items, item);
    sift_up(heap, heap->items->len - 1);
}

void *heap_peek(const Heap *heap)
{
    return heap->items->len > 0 ? heap->items->pdata[0] : NULL;
}

void *heap_pop(Heap *heap)
{
    void *first = heap_peek(heap);
    if (first != NULL)
        heap_remove(heap, first);
    return first;
}

void heap_remove(Heap *heap, void *item)
{
    if (!heap_contains(heap, item))
        return;
    uint32_t at = *position_of(heap, item);
    void *last = g_ptr_array_steal_index(heap->items, heap->items->len - 1);
    *position_of(heap, item) = HEAP_ABSENT;
    if (last == item)
        return;
    place(heap, at, last);
    heap_update(heap, last);
}

void heap_update(Heap *heap, void *item)
{
    if (!heap_contains(heap, item))
        return;
    sift_up(heap, *position_of(heap, item));
    sift_down(heap, *position_of(heap, item));
}
