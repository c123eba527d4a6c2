/* The command that looks at a running mount. Contract of each: ToolCommand.run. */
#pragma once

#include "frame/command.h"

int tool_cmd_stats (const ToolCommand *command, int argc, char **argv);
