/* SPDX-License-Identifier: MIT */
#include "scheduler/engine/heap.h"
#include "tests/unit/engine/fixture.h"

typedef struct {
    int key, id;
    uint32_t position;
} Item;

static int compare_items(const void *a, const void *b)
{
    const Item *x = a, *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

#define N 200

static void check(const Heap *heap, const Item *items)
{
    for (guint i = 0; i < heap->items->len; i++) {
        const Item *item = heap->items->pdata[i];
        assert_int_equal(item->position, i);
        assert_true(i == 0 || compare_items(heap->items->pdata[(i - 1) / 2], item) < 0);
    }
    guint n = 0;
    for (int i = 0; i < N; i++) {
        bool in = items[i].position != HEAP_ABSENT;
        assert_int_equal(heap_contains(heap, &items[i]), in);
        n += in;
    }
    assert_int_equal(n, heap->items->len);
}

static void test_random_operations(void **state)
{
    (void)state;
    g_autoptr(GRand) rng = g_rand_new_with_seed(1);
    Heap heap;
    heap_init(&heap, compare_items, offsetof(Item, position));
    Item items[N];
    for (int i = 0; i < N; i++)
        items[i] = (Item){.key = g_rand_int_range(rng, 0, 50), .id = i, .position = HEAP_ABSENT};
    for (int step = 0; step < 20000; step++) {
        Item *item = &items[g_rand_int_range(rng, 0, N)];
        switch (g_rand_int_range(rng, 0, 4)) {
        case 0:
        case 1:
            if (!heap_contains(&heap, item))
                heap_push(&heap, item);
            break;
        case 2:
            heap_remove(&heap, item); /* absent or not */
            assert_false(heap_contains(&heap, item));
            break;
        default:
            item->key = g_rand_int_range(rng, 0, 50);
            heap_update(&heap, item);
        }
        check(&heap, items);
    }
    Item last = {.key = -1};
    for (Item *item; (item = heap_pop(&heap)) != NULL; last = *item) {
        assert_true(compare_items(&last, item) < 0);
        assert_int_equal(item->position, HEAP_ABSENT);
    }
    assert_null(heap_peek(&heap));
    heap_done(&heap);
}

/** An item of another heap is not in this one, wherever it is there. */
static void test_two_heaps(void **state)
{
    (void)state;
    Heap one, two;
    heap_init(&one, compare_items, offsetof(Item, position));
    heap_init(&two, compare_items, offsetof(Item, position));
    Item a = {.key = 1, .position = HEAP_ABSENT}, b = {.key = 2, .position = HEAP_ABSENT};
    heap_push(&one, &a);
    heap_push(&two, &b);
    assert_false(heap_contains(&one, &b));
    heap_remove(&one, &b);
    heap_update(&one, &b);
    assert_true(heap_contains(&two, &b));
    assert_ptr_equal(heap_peek(&one), &a);
    heap_done(&one);
    heap_done(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_operations),
        cmocka_unit_test(test_two_heaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
