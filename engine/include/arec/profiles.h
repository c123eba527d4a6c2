/* Profiles: settings of readers and writers by name, one for each way in which files are used.
 * Most are those of the guide that the reference comes with. A table of constants, any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

typedef enum {
    AREC_PROFILE_READER,
    AREC_PROFILE_WRITER,
} ArecProfileSide;

typedef struct {
    const char *name;
    /* Option strings, for arec_reader_options_update () and arec_writer_options_update ().
     * NULL: the profile is not for that side. */
    const char *reader;
    const char *writer;
    uint64_t cache_size; /* bytes, of the readers' engine; 0: its default */
} ArecProfile;

/* The profile @name of @side. NULL: that side has none of this name. Static. */
AREC_PUBLIC const ArecProfile *arec_profile_find (const char *name, ArecProfileSide side);

/* Profile @i of the whole table, from 0. NULL: there are no more. Static. */
AREC_PUBLIC const ArecProfile *arec_profile_at (size_t i);

/* `random, balanced, archive`: the names of @side's profiles in the order of the table, for
 * messages. Returns (transfer full). */
AREC_PUBLIC char *arec_profile_names (ArecProfileSide side);

G_END_DECLS
