/* The command of this room. Contract: ToolCommand.run. */
#pragma once

#include "frame/command.h"

int tool_cmd_doctor (const ToolCommand *command, int argc, char **argv);
