/* The commands that look at files. Contract of each: ToolCommand.run. */
#pragma once

#include "frame/command.h"

int tool_cmd_info (const ToolCommand *command, int argc, char **argv);
int tool_cmd_ls (const ToolCommand *command, int argc, char **argv);
int tool_cmd_cat (const ToolCommand *command, int argc, char **argv);
int tool_cmd_verify (const ToolCommand *command, int argc, char **argv);
int tool_cmd_repair (const ToolCommand *command, int argc, char **argv);
int tool_cmd_mount (const ToolCommand *command, int argc, char **argv);
