/* SPDX-License-Identifier: MIT */
/* weir __runner: what the local executor starts; executors/local/runner.h has its contract. */
#include "cli/cli.h"
#include "cli/verbs.h"
#include "executors/local/runner.h"

#include <stdlib.h>

int verb_runner(Cli *cli, GError **error)
{
    const char *dir = args_word(cli->args, 0);
    if (dir == NULL || args_word(cli->args, 1) != NULL) {
        g_set_error(error, CLI_ERROR, CLI_ERROR_USAGE, "it takes one folder");
        return EXIT_FAILURE;
    }
    return runner_main(dir);
}
