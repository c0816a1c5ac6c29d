/* SPDX-License-Identifier: MIT */
#include "gate.h"

#include <unistd.h>

Gate gate_open(Harness *h, const char *rest)
{
    Gate g = {0};
    g.say_path = harness_fifo(h, "say", &g.say);
    g.gate_path = harness_fifo(h, "gate", &g.gate);
    g.script = g_strdup_printf("echo $$ > %s; read x < %s; %s", g.say_path, g.gate_path, rest);
    return g;
}

void gate_release(const Gate *g)
{
    assert_int_equal(write(g->gate, "\n", 1), 1);
}

void gate_close(Gate *g)
{
    close(g->say);
    close(g->gate);
    g_free(g->say_path);
    g_free(g->gate_path);
    g_free(g->script);
}
