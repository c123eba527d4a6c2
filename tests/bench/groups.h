/* What the programs that encode share: their arguments, and the records of a file in memory, in
 * groups. */
#pragma once

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arec/arec.h>

#include "codec/compress.h"
#include "measure.h"

typedef struct {
    const uint8_t *values; /* the records, one after the other */
    size_t values_size;
    const uint8_t *sizes; /* a varint each */
    size_t sizes_size;
    size_t first, n_records; /* in all sizes of records */
} Group;

typedef struct {
    const char *program;
    unsigned passes;
    size_t group_size;
    ArecCodecOptions codec;
    uint8_t *values, *sizes; /* of all records */
    size_t *record_sizes;
    size_t n_records;
    Group *groups;
    size_t n_groups;
    size_t largest; /* bytes of a group's values or sizes */
} Groups;

static inline void
groups_die (const Groups *groups, const char *what)
{
    fprintf (stderr, "%s: %s\n", groups->program, what);
    exit (1);
}

/* `zstd:3`, or any other name and level. */
static inline ArecCodecOptions
groups_parse_codec (const Groups *groups, const char *text)
{
    static const struct {
        const char *name;
        ArecCompression compression;
    } names[] = {{"uncompressed", AREC_COMPRESSION_NONE},
                 {"brotli", AREC_COMPRESSION_BROTLI},
                 {"zstd", AREC_COMPRESSION_ZSTD},
                 {"snappy", AREC_COMPRESSION_SNAPPY}};
    size_t length = strcspn (text, ":");

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen (names[i].name) == length && strncmp (text, names[i].name, length) == 0) {
            ArecCodecOptions options = arec_codec_options_default (names[i].compression);

            if (text[length] == ':') {
                options.level = atoi (text + length + 1);
            }
            return options;
        }
    }
    groups_die (groups, "no such codec");
    return (ArecCodecOptions){0};
}

static inline void
groups_read_records (Groups *groups, ArecReader *reader, uint64_t most)
{
    uint64_t n = arec_reader_n_records (reader), room = 0, filled = 0;
    ArecCursor *cursor;

    n = most > 0 && most < n ? most : n;
    groups->record_sizes = calloc (n, sizeof *groups->record_sizes);
    cursor = arec_cursor_new (reader, 0, n);
    while (groups->n_records < n) {
        const uint8_t *record;
        size_t size;

        if (!arec_cursor_next (cursor, NULL, &record, &size, NULL) || !record) {
            groups_die (groups, "cannot read the records");
        }
        if (filled + size > room) {
            room = 2 * (filled + size);
            groups->values = realloc (groups->values, room);
        }
        memcpy (groups->values + filled, record, size);
        filled += size;
        groups->record_sizes[groups->n_records++] = size;
    }
    arec_cursor_free (cursor);
}

static inline size_t
groups_put_size (uint8_t *at, size_t size)
{
    size_t length = 0;

    for (; size >= 0x80; size >>= 7) {
        at[length++] = (uint8_t)(size | 0x80);
    }
    at[length++] = (uint8_t)size;
    return length;
}

static inline void
groups_cut (Groups *groups)
{
    uint8_t *values = groups->values, *sizes;

    groups->groups = calloc (groups->n_records / groups->group_size + 1, sizeof (Group));
    groups->sizes = sizes = malloc (10 * groups->n_records + 1);
    for (size_t i = 0; i < groups->n_records; i++) {
        Group *group = &groups->groups[i / groups->group_size];

        if (i % groups->group_size == 0) {
            *group = (Group){.values = values, .sizes = sizes, .first = i};
            groups->n_groups++;
        }
        group->n_records++;
        group->values_size += groups->record_sizes[i];
        values += groups->record_sizes[i];
        sizes += groups_put_size (sizes, groups->record_sizes[i]);
        group->sizes_size = (size_t)(sizes - group->sizes);
        if (group->values_size + group->sizes_size > groups->largest) {
            groups->largest = group->values_size + group->sizes_size;
        }
    }
}

/* The first @most records of the file @path; 0: all. */
static inline void
groups_read_file (Groups *groups, const char *path, uint64_t most)
{
    ArecEngine *engine = arec_engine_new (NULL);
    ArecReader *reader = arec_reader_open (engine, path, NULL, NULL);

    if (!reader) {
        groups_die (groups, "cannot open the file");
    }
    groups_read_records (groups, reader, most);
    arec_reader_unref (reader);
    arec_engine_unref (engine);
}

/* Reads the arguments `PASSES GROUP CODEC[:LEVEL] FILE [RECORDS [OUT]]` and the records.
 * Returns OUT, or NULL. */
static inline const char *
groups_load (Groups *groups, const char *program, int argc, char **argv)
{
    *groups = (Groups){.program = program};
    if (argc < 5 || argc > 7) {
        fprintf (stderr, "usage: %s PASSES GROUP CODEC[:LEVEL] FILE [RECORDS [OUT]]\n",
                 program);
        exit (2);
    }
    groups->passes = (unsigned)strtoul (argv[1], NULL, 10);
    groups->group_size = strtoul (argv[2], NULL, 10);
    groups->codec = groups_parse_codec (groups, argv[3]);
    if (groups->group_size == 0) {
        groups_die (groups, "no group size");
    }
    groups_read_file (groups, argv[4], argc > 5 ? strtoull (argv[5], NULL, 10) : 0);
    groups_cut (groups);
    return argc == 7 ? argv[6] : NULL;
}

static inline void
groups_clear (Groups *groups)
{
    free (groups->values);
    free (groups->sizes);
    free (groups->record_sizes);
    free (groups->groups);
}
