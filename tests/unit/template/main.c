/* SPDX-License-Identifier: MIT */
#include "tests/unit/template/fixture.h"

int main(void)
{
    int failed = run_parse_tests() + run_check_tests() + run_variable_tests() + run_function_tests() +
                 run_lookup_tests() + run_limit_tests();
    fixture_free();
    return failed;
}
