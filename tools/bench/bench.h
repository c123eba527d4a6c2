/* The command that measures. Contract: ToolCommand.run. */
#pragma once

#include "frame/command.h"

int tool_cmd_bench (const ToolCommand *command, int argc, char **argv);
