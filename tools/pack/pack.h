/* The commands that make files of records and records of files. Contract of each:
 * ToolCommand.run. */
#pragma once

#include "frame/command.h"

int tool_cmd_pack (const ToolCommand *command, int argc, char **argv);
int tool_cmd_convert (const ToolCommand *command, int argc, char **argv);
int tool_cmd_unpack (const ToolCommand *command, int argc, char **argv);
