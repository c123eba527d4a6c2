#include "pack/convert_options.h"

bool
tool_convert_options_choose (const ToolPackText *text, const ArecWriterOptions *typed,
                             ArecReader *reader, ArecWriterOptions *options, char **note,
                             GError **error)
{
    ArecWriterOptions of_file;
    g_autofree char *string = NULL;
    ArecFileInfo info;

    *note = NULL;
    *options = *typed;
    if (tool_pack_options_are_whole (text)) {
        return true;
    }
    if (!arec_file_options_of (reader, 0, &of_file, error)) {
        return false;
    }
    tool_pack_options_inherit (text, &of_file, options);
    arec_reader_file_info (reader, 0, &info);
    string = arec_writer_options_to_string (options);
    *note = g_strdup_printf ("%s: the options are taken from it: %s", info.path, string);
    return true;
}
