/* From what the user typed as a SOURCE to the list of files it means.
 *
 *   train.array_record          one literal path
 *   train.array_record[5:9]     records 5..8 of it, renumbered from 0 (a file of that literal
 * name wins) train.array_record@8        train.array_record-00000-of-00008 ... (a file of that
 * literal name wins) 'train-*.array_record'      a glob, matches in name order data/ a
 * directory: every file below it whose name counts as ArrayRecord
 *
 * A list is built by one thread and immutable afterwards. Directories are held open, so files
 * are found again after a chdir or under a mount that covers them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include <arec/text.h>
#include <arec/visibility.h>

G_BEGIN_DECLS

typedef struct ArecSourceList ArecSourceList;

typedef enum {
    AREC_SOURCE_LITERAL,
    AREC_SOURCE_GLOB,
    AREC_SOURCE_SHARDED,
    AREC_SOURCE_DIRECTORY,
} ArecSourceForm;

/* One file. Strings are owned by the list; bytes as the file system gives them, not necessarily
 * UTF-8. */
typedef struct {
    ArecSourceForm form; /* the form that brought it in */
    unsigned argument;   /* which arec_source_list_add () call brought it in, from 0 */
    const char *path;    /* as a person would name it, for messages */
    const char *name;    /* below the opened directory: `train.array_record`, or
                            `a/b/train.array_record`    for files of a DIRECTORY */
    int dir_fd; /* the directory that @name is relative to; open as long as the list lives */
    bool has_range;
    ArecRangeText range; /* meaningful with has_range */
} ArecSourceFile;

AREC_PUBLIC ArecSourceList *arec_source_list_new (void);
AREC_PUBLIC ArecSourceList *arec_source_list_ref (ArecSourceList *list);
AREC_PUBLIC void arec_source_list_unref (ArecSourceList *list); /* takes NULL */

/* In directories, files that match @glob count too. Call before adding. */
AREC_PUBLIC void arec_source_list_add_pattern (ArecSourceList *list, const char *glob);

/* While directories are scanned, do not descend into @path (the mount point). Call before
 * adding. */
AREC_PUBLIC void arec_source_list_exclude (ArecSourceList *list, const char *path);

/* Appends the files that @text means. @form (nullable) tells how it was understood.
 * Errors: NOT_FOUND (absent, no match, a shard missing, not readable), INVALID (a bad range).
 */
AREC_PUBLIC bool arec_source_list_add (ArecSourceList *list, const char *text,
                                       ArecSourceForm *form, GError **error);

/* Appends the file @path taken literally, without looking for ranges, globs or shards. Same
 * errors. */
AREC_PUBLIC bool arec_source_list_add_literal (ArecSourceList *list, const char *path,
                                               GError **error);

AREC_PUBLIC size_t arec_source_list_length (const ArecSourceList *list);
AREC_PUBLIC const ArecSourceFile *arec_source_list_get (const ArecSourceList *list, size_t i);

/* Whether a file of this name counts as ArrayRecord: *.array_record, *.arrayrecord,
 * *.array_record-NNNNN-of-NNNNN, and the same with .riegeli counted by scans only. */
AREC_PUBLIC bool arec_source_name_is_array_record (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSourceList, arec_source_list_unref)

G_END_DECLS
