/* arec bench codecs: what codecs, levels and group sizes cost and save, on data of the user or
 * of the guide. Contract: ToolCommand.run. */
#pragma once

#include "frame/command.h"

int tool_bench_codecs (const ToolCommand *command, int argc, char **argv);
