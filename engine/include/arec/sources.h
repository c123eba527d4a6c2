/* From what the user typed as a SOURCE to the list of files it means.
 *
 *   train.array_record       one literal path
 *   train.array_record[5:9]  records 5..8 of it, renumbered from 0
 *   train.array_record@8     train.array_record-00000-of-00008 ...
 *   'train-*.array_record'   a glob, matches in name order
 *   data/                    a directory: every file below it whose name counts as ArrayRecord
 *   https://host/x           one object of a server; http:// too. [5:9] and @8 as of a file
 *   s3://bucket/a/           a prefix of a bucket, as a directory; gs:// too, and globs
 *
 * A file whose literal name is the whole text wins over the other forms. Entries of a directory
 * that cannot be read, or must not be followed, are left out and noted.
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
    /* For messages; of a URL all but its query, which may be a secret. */
    const char *path;
    /* Of a URL the last segment of its path, decoded. Else below the opened directory:
     * `train.array_record`, or `a/b/train.array_record` for files of a DIRECTORY, where some
     * symbolic links must not be followed. */
    const char *name;
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

/* Appends the files that @text means. @form  (out, nullable) how it was understood. A server is
 * asked for a prefix or a glob of a bucket, and for nothing else: whether the object of a URL
 * exists shows when it is opened.
 * Errors: NOT_FOUND (absent, no match, a shard missing, not readable), INVALID (a bad range or
 * URL), UNSUPPORTED (a URL that this build does not read); of a listing CORRUPT, LIMIT, IO,
 * NOMEM and CANCELLED, too. Blocks on I/O. */
AREC_PUBLIC bool arec_source_list_add (ArecSourceList *list, const char *text,
                                       ArecSourceForm *form, GError **error);

/* Appends the file @path taken literally, without looking for ranges, globs or shards. Same
 * errors. */
AREC_PUBLIC bool arec_source_list_add_literal (ArecSourceList *list, const char *path,
                                               GError **error);

/* Whether @text means all files below a directory, or below a prefix of a bucket. No server is
 * asked. */
AREC_PUBLIC bool arec_source_is_directory (const char *text);

AREC_PUBLIC size_t arec_source_list_length (const ArecSourceList *list);
AREC_PUBLIC const ArecSourceFile *arec_source_list_get (const ArecSourceList *list, size_t i);

/* ---- attributes now ---------------------------------------------------------------------- */

/* The attributes of file @i, as of stat (), without opening it. The permission bits grant no
 * user more than the file's access control list does, and than the directories do that are
 * passed only by symbolic links. If the file cannot be examined (a link to nowhere, a directory
 * that must not be passed) or is gone, the attributes are those of the link, else of a
 * directory above it.
 * @merged  the directories between the scanned one and the file are not shown, so they limit
 * the permissions, too, and a file that is gone is CHANGED. Errors: CHANGED, IO, NOMEM. Blocks
 * on I/O. Any thread. */
AREC_PUBLIC bool arec_source_list_stat (const ArecSourceList *list, size_t i, bool merged,
                                        struct stat *st, GError **error);

/* The same of the directory @path (`.`, `a/b`) below the scanned directory of file @i, which is
 * of a DIRECTORY. */
AREC_PUBLIC bool arec_source_list_stat_directory (const ArecSourceList *list, size_t i,
                                                  const char *path, struct stat *st,
                                                  GError **error);

/* ---- notes for the user ------------------------------------------------------------------ */

typedef enum {
    AREC_NOTE_LEFT_OUT, /* a file or directory below a DIRECTORY that is not in the list */
    AREC_NOTE_SHARDS,   /* a set of shards that is not complete */
} ArecSourceNoteKind;

/* Strings are owned by the list, and are bytes as in paths. */
typedef struct {
    ArecSourceNoteKind kind;
    const char *path;
    const char *reason;
} ArecSourceNote;

/* Notes faults of sets of shards, `NAME-NNNNN-of-NNNNN`, in globs, in directories, and among
 * several literal files. Call once, after adding. */
AREC_PUBLIC void arec_source_list_check_shards (ArecSourceList *list);

/* The first notes; of the others only the number is known. */
AREC_PUBLIC size_t arec_source_list_n_notes (const ArecSourceList *list);
AREC_PUBLIC const ArecSourceNote *arec_source_list_note (const ArecSourceList *list, size_t i);
AREC_PUBLIC uint64_t arec_source_list_n_more_notes (const ArecSourceList *list);

/* ---- paths in messages ------------------------------------------------------------------- */

/* The paths of files that are added from now on are absolute: relative ones are taken as below
 * @directory, the working directory. Files are found as before. */
AREC_PUBLIC void arec_source_list_tell_absolute (ArecSourceList *list, const char *directory);

/* @text, a SOURCE, as it reads without the working directory: below @directory unless it is
 * absolute or a URL; without `.` components, and as arec_source_shown (). Returns (transfer
 * full). */
AREC_PUBLIC char *arec_source_absolute (const char *text, const char *directory);

/* What may be shown of @text, a SOURCE: a URL without its query, which may be a secret, any
 * other text as it is. Returns (transfer full). */
AREC_PUBLIC char *arec_source_shown (const char *text);

/* Copies of the @argc arguments of a program, and NULL. In @argv, which all may see who may see
 * the process, the queries of URLs become asterisks. Returns (transfer full) g_strfreev (). */
AREC_PUBLIC char **arec_source_hide_queries (int argc, char **argv);

/* ---- lists of names in files ------------------------------------------------------------- */

/* Bytes of a name in such a list: signed URLs are long. */
#define AREC_SOURCE_MAX_NAME 65536
/* Names that our programs take of one: as many as a mount has files. */
#define AREC_SOURCE_MAX_NAMES (1u << 24)

/* @name  @size bytes, none of them NUL, and a NUL; until the return. May be a secret.
 * @line  its number in the file, from 1. */
typedef bool (*ArecSourceNameFunc) (void *data, const char *name, size_t size, uint64_t line,
                                    GError **error);

/* Calls @found with each name in the file @path, `-` is standard input, until it fails. Empty
 * names are passed over.
 * @end  what stands behind each name but perhaps the last: `\n`, in front of which a carriage
 *       return does not count either, or NUL.
 * Errors: NOT_FOUND, IO, NOMEM; INVALID (`FILE:LINE: ...`), a name is too long or holds a NUL;
 * those of @found. Blocks on I/O. Any thread. */
AREC_PUBLIC bool arec_source_names_read (const char *path, char end, ArecSourceNameFunc found,
                                         void *data, GError **error);

/* The file @path of such a list in messages. */
AREC_PUBLIC const char *arec_source_names_shown (const char *path);

/* ---- progress over all files ------------------------------------------------------------- */

/* The progress of work on the files of a list, one after the other, as one total. */
typedef struct {
    const ArecSourceList *list;
    bool is_counted;
    uint64_t total;  /* bytes of all */
    size_t file;     /* the one that was reached last */
    uint64_t before; /* bytes of the files before it */
    uint64_t done;   /* bytes done of it */
} ArecSourceTally;

/* @tally  {.list = ...} at first. The first call asks for the sizes.
 * @path   of the file that is at @done. Less than the last @done means that the next file of
 * this path has begun. Returns bytes done of tally->total. */
AREC_PUBLIC uint64_t arec_source_tally_reach (ArecSourceTally *tally, const char *path,
                                              uint64_t done);

/* ---- names ------------------------------------------------------------------------------- */

/* The set that the file @path is a shard of by its name, `dir/t.array_record-?????-of-00005`.
 * NULL: the name is not a shard's. Returns (transfer full). */
AREC_PUBLIC char *arec_source_shard_set (const char *path);

/* Whether a file of this name counts as ArrayRecord: *.array_record, *.arrayrecord,
 * *.array_record-NNNNN-of-NNNNN. Directories take *.riegeli, too. */
AREC_PUBLIC bool arec_source_name_is_array_record (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecSourceList, arec_source_list_unref)

G_END_DECLS
