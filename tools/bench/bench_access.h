/* arec bench access: what reading a file in order, at random and in batches costs. Contract:
 * ToolCommand.run. */
#pragma once

#include "frame/command.h"

int tool_bench_access (const ToolCommand *command, int argc, char **argv);
