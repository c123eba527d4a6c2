#include "bench/bench_files.h"

ArecSourceList *
tool_bench_files_list (char **files, size_t n_files, GError **error)
{
    g_autoptr (ArecSourceList) list = arec_source_list_new();

    for (size_t i = 0; i < n_files; i++) {
        if (!arec_source_list_add (list, files[i], NULL, error)) {
            return NULL;
        }
    }
    return g_steal_pointer (&list);
}

ArecReader *
tool_bench_files_open (char **files, size_t n_files, ArecEngine *engine,
                       const ArecReaderOptions *options, GError **error)
{
    g_autoptr (ArecSourceList) list = tool_bench_files_list (files, n_files, error);
    g_autoptr (ArecReader) reader = NULL;
    size_t n = list ? arec_source_list_length (list) : 0;

    if (!list) {
        return NULL;
    }
    if (n > 0) {
        reader = arec_reader_open_list (engine, list, 0, n, options, error);
        if (!reader) {
            return NULL;
        }
    }
    if (!reader || arec_reader_n_records (reader) == 0) {
        arec_fail (error, AREC_ERROR_INVALID, "%s: there is no record to measure with",
                   files[0]);
        return NULL;
    }
    return g_steal_pointer (&reader);
}
