/* arec bench access: what reading a file in order, at random and in batches costs; and arec
 * bench mount, the same through a mount. Contract: ToolCommand.run.
 */
#pragma once

#include "frame/command.h"

int tool_bench_access (const ToolCommand *command, int argc, char **argv);
int tool_bench_access_mount (const ToolCommand *command, int argc, char **argv);
