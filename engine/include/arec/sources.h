/* From what the user typed as a SOURCE to the list of files it means.
 *
 *   train.array_record       one literal path
 *   train.array_record[5:9]  records 5..8 of it, renumbered from 0
 *   train.array_record@8     train.array_record-00000-of-00008 ...
 *   'train-*.array_record'   a glob, matches in name order
 *   data/                    a directory: every file below it whose name counts as ArrayRecord
 *
 * (a file of that literal name wins.) What a directory holds that cannot be read, or must not
 * be followed, is left out and noted.
 *
 * A list is built by one thread and immutable afterwards. Directories are held open, so files
 * are found again after a chdir or under a mount that covers them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

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
                            `a/b/train.array_record` for files of a DIRECTORY, whose links are
                            not all to be followed */
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

/* ---- what is there now --------------------------------------------------------------------
 */

/* How the owner, the group and all others may use file @i, without opening it: attributes as of
 * stat (), with permission bits that give nobody more than the file's access control list and
 * the directories that only links lead through. Of a file that is there and cannot be examined
 * (a link to nowhere, a directory that must not be passed), those of the link, else of a
 * directory above it.
 * @merged  the directories between the scanned one and the file are not shown, so they are
 * counted like those. Errors: CHANGED (it is gone), IO, NOMEM. Blocks on I/O. Any thread. */
AREC_PUBLIC bool arec_source_list_stat (const ArecSourceList *list, size_t i, bool merged,
                                        struct stat *st, GError **error);

/* The same of the directory @path (`.`, `a/b`) below the one that file @i, of a DIRECTORY, was
 * found in. */
AREC_PUBLIC bool arec_source_list_stat_directory (const ArecSourceList *list, size_t i,
                                                  const char *path, struct stat *st,
                                                  GError **error);

/* ---- what somebody should be told of ------------------------------------------------------
 */

typedef enum {
    AREC_NOTE_LEFT_OUT, /* something below a directory, which is not in the list */
    AREC_NOTE_SHARDS,   /* a set of shards that is not whole */
} ArecSourceNoteKind;

/* Strings are owned by the list, and are bytes as in paths. */
typedef struct {
    ArecSourceNoteKind kind;
    const char *path;
    const char *reason;
} ArecSourceNote;

/* Notes what is wrong with sets of shards: `NAME-NNNNN-of-NNNNN` in globs, directories, and
 * where several files are given. Call once, after adding. */
AREC_PUBLIC void arec_source_list_check_shards (ArecSourceList *list);

/* The first of all notes; of the others there is only the number. */
AREC_PUBLIC size_t arec_source_list_n_notes (const ArecSourceList *list);
AREC_PUBLIC const ArecSourceNote *arec_source_list_note (const ArecSourceList *list, size_t i);
AREC_PUBLIC uint64_t arec_source_list_n_more_notes (const ArecSourceList *list);

/* ---- how they are told, all of them together -----------------------------------------------
 */

/* Paths told of files that are added from now on are absolute: relative ones are below
 * @directory, the working directory. Files are found as before. */
AREC_PUBLIC void arec_source_list_tell_absolute (ArecSourceList *list, const char *directory);

/* What @text, a path or what else a SOURCE may be, is called where the working directory is not
 * known: below @directory unless it is absolute or a URL; without `.` components. Returns
 * (transfer full). */
AREC_PUBLIC char *arec_source_absolute (const char *text, const char *directory);

/* How far the files of a list are, all of them together, that are gone through one by one. */
typedef struct {
    const ArecSourceList *list;
    bool is_counted;
    uint64_t total;  /* bytes of all */
    size_t file;     /* the one that was reached last */
    uint64_t before; /* bytes of those before it */
    uint64_t done;   /* of this one */
} ArecSourceTally;

/* @tally  {.list = ...} at first. The sizes are asked for by the first call.
 * @path   of the file that is at @done; one that is in the list again begins again from less.
 * Returns bytes done of tally->total. */
AREC_PUBLIC uint64_t arec_source_tally_reach (ArecSourceTally *tally, const char *path,
                                              uint64_t done);

/* ---- names ----------------------------------------------------------------------------------
 */

/* Whether a file of this name counts as ArrayRecord: *.array_record, *.arrayrecord,
 * *.array_record-NNNNN-of-NNNNN, and the same with .riegeli counted by scans only. */
AREC_PUBLIC bool arec_source_name_is_array_record (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSourceList, arec_source_list_unref)

G_END_DECLS
