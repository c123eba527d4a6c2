/* A mount's requests, in any order and with any numbers and names, over a file that lies.
 *
 * - Every request has exactly one reply, with an error that the operation may give.
 * - A listing that goes on from any of its positions gives the entries after that position,
 *   none twice and none lost; positions ascend. A listed name can be looked up, has the number
 *   that was listed, and has its directory as parent.
 * - Attributes by number are those by name.
 * - A read gives exactly the record's bytes between its offset and the record's size; sizes are
 *   those of the attributes.
 * - The value of an extended attribute has the size that was reported before.
 * - Memory stays bounded.
 *
 * Input: the layout, a number whose low bits say which byte to spoil and whose other bits how
 * to open the file, the steps of a forged file, then requests.
 */
#include <errno.h>
#include <string.h>

#include "forged_file.h"
#include "fuzz.h"
#include "kernel.h"
#include "temp_file.h"
#include "tree/inodes.h"

/* The most that the kernel asks for at once. */
#define MAX_REPLY ((uint64_t)1 << 20)

/* Enough for any byte of a file. */
#define SPOILED_BITS 21

enum { MAX_REQUESTS = 60, MAX_CHECKED = 10, CACHE_SIZE = 256 << 10 };

static uint64_t last_ino; /* that a look-up gave */

/* ---- asking ---- */

/* Errors that a damaged file may cause, or an inode number that does not exist. */
static void
check_error (int error)
{
    switch (error) {
    case 0:
    case EIO:
    case ESTALE:
    case ENOMEM: break;
    default: g_error ("an unexpected errno: %d", error);
    }
}

static bool
get_attributes (uint64_t ino, struct fuse_attr *attributes)
{
    struct fuse_getattr_in arguments = {0};
    FuzzReply reply = fuzz_kernel_ask (FUSE_GETATTR, ino, &arguments, sizeof arguments, NULL);

    check_error (reply.error);
    if (reply.error != 0) {
        return false;
    }
    g_assert_cmpuint (reply.size, ==, sizeof (struct fuse_attr_out));
    *attributes = ((const struct fuse_attr_out *)reply.data)->attr;
    g_assert_cmpuint (attributes->ino, ==, ino);
    return true;
}

/* The number of @name; 0: absent, or an error. */
static uint64_t
look_up (uint64_t parent, const char *name)
{
    FuzzReply reply = fuzz_kernel_ask (FUSE_LOOKUP, parent, NULL, 0, name);
    struct fuse_entry_out entry;
    struct fuse_attr attributes;

    check_error (reply.error);
    if (reply.error != 0) {
        return 0;
    }
    g_assert_cmpuint (reply.size, ==, sizeof entry);
    memcpy (&entry, reply.data, sizeof entry);
    if (entry.nodeid != 0) {
        g_assert_cmpuint (entry.attr.ino, ==, entry.nodeid);
        g_assert_true (get_attributes (entry.nodeid, &attributes));
        g_assert_cmpmem (&attributes, sizeof attributes, &entry.attr, sizeof entry.attr);
    }
    return entry.nodeid;
}

/* ---- listings ---- */

typedef struct {
    uint64_t ino, next;
    char name[NAME_MAX + 1];
} Listed;

static Listed
take_entry (const FuzzReply *reply, bool plus, size_t *at)
{
    size_t head = plus ? offsetof (struct fuse_direntplus, dirent) : 0;
    struct fuse_dirent entry;
    Listed listed;

    g_assert_cmpuint (reply->size - *at, >=, head + FUSE_NAME_OFFSET);
    memcpy (&entry, reply->data + *at + head, FUSE_NAME_OFFSET);
    g_assert_cmpuint (entry.namelen, <=, NAME_MAX);
    g_assert_cmpuint (reply->size - *at - head - FUSE_NAME_OFFSET, >=, entry.namelen);
    listed = (Listed){.ino = entry.ino, .next = entry.off};
    memcpy (listed.name, reply->data + *at + head + FUSE_NAME_OFFSET, entry.namelen);
    if (plus) {
        struct fuse_entry_out full;

        memcpy (&full, reply->data + *at, sizeof full);
        g_assert_true (full.nodeid == 0 || full.nodeid == entry.ino);
    }
    *at += FUSE_DIRENT_ALIGN (head + FUSE_NAME_OFFSET + entry.namelen);
    return listed;
}

/* false: an error. *handle (out) close_directory (). */
static bool
open_directory (uint64_t ino, uint64_t *handle)
{
    const struct fuse_open_in arguments = {.flags = O_RDONLY};
    FuzzReply reply = fuzz_kernel_ask (FUSE_OPENDIR, ino, &arguments, sizeof arguments, NULL);
    struct fuse_open_out opened;

    check_error (reply.error);
    if (reply.error != 0) {
        return false;
    }
    g_assert_cmpuint (reply.size, ==, sizeof opened);
    memcpy (&opened, reply.data, sizeof opened);
    *handle = opened.fh;
    return true;
}

static void
close_directory (uint64_t ino, uint64_t handle)
{
    const struct fuse_release_in arguments = {.fh = handle};

    g_assert_cmpint (
        fuzz_kernel_ask (FUSE_RELEASEDIR, ino, &arguments, sizeof arguments, NULL).error, ==,
        0);
}

static GArray *
list_opened (uint64_t ino, uint64_t handle, uint64_t from, uint64_t size, bool plus)
{
    struct fuse_read_in arguments = {.fh = handle, .offset = from, .size = (uint32_t)size};
    FuzzReply reply = fuzz_kernel_ask (plus ? FUSE_READDIRPLUS : FUSE_READDIR, ino, &arguments,
                                       sizeof arguments, NULL);
    GArray *entries;

    if (reply.error == EINVAL && from >> 63) {
        return NULL;
    }
    check_error (reply.error);
    if (reply.error != 0) {
        return NULL;
    }
    g_assert_cmpuint (reply.size, <=, size);
    entries = g_array_new (FALSE, FALSE, sizeof (Listed));
    for (size_t at = 0; at < reply.size;) {
        Listed listed = take_entry (&reply, plus, &at);

        g_assert_cmpuint (listed.next, >, from);
        from = listed.next;
        g_array_append_val (entries, listed);
    }
    return entries;
}

/* An array of Listed; NULL: an error. g_array_unref (). */
static GArray *
list (uint64_t ino, uint64_t from, uint64_t size, bool plus)
{
    GArray *entries;
    uint64_t handle;

    if (!open_directory (ino, &handle)) {
        return NULL;
    }
    entries = list_opened (ino, handle, from, size, plus);
    close_directory (ino, handle);
    return entries;
}

static bool
is_dots (const Listed *listed)
{
    return strcmp (listed->name, ".") == 0 || strcmp (listed->name, "..") == 0;
}

/* A listing from entry @i on gives the entries after it. */
static void
check_goes_on (uint64_t ino, const GArray *entries, guint i, bool plus)
{
    g_autoptr (GArray) rest =
        list (ino, g_array_index (entries, Listed, i).next, MAX_REPLY / 16, plus);

    g_assert_nonnull (rest);
    for (guint k = i + 1; k < entries->len; k++) {
        const Listed *first = &g_array_index (entries, Listed, k);
        const Listed *again = &g_array_index (rest, Listed, k - i - 1);

        g_assert_cmpuint (k - i, <=, rest->len);
        g_assert_cmpuint (first->ino, ==, again->ino);
        g_assert_cmpuint (first->next, ==, again->next);
        g_assert_cmpstr (first->name, ==, again->name);
    }
}

static void
check_found (uint64_t parent, const Listed *listed)
{
    uint64_t ino;

    if (is_dots (listed) || arecfs_ino_is_control (listed->ino)) {
        return; /* each look-up in .arecfs makes a new node */
    }
    ino = look_up (parent, listed->name);
    if (ino != 0) {
        g_assert_cmpuint (ino, ==, listed->ino);
        g_assert_cmpuint (look_up (ino, ".."), ==, parent);
    }
}

static void
check_listing (uint64_t ino, ArecBytes *input)
{
    bool plus = fuzz_take_u8 (input) & 1;
    uint64_t from = fuzz_take_number (input);
    g_autoptr (GArray) entries =
        list (ino, from, fuzz_take_number (input) % (MAX_REPLY / 16 + 1), plus);
    guint step;

    if (!entries || entries->len == 0) {
        return;
    }
    step = MAX (entries->len / MAX_CHECKED, 1);
    check_goes_on (ino, entries, fuzz_take_u8 (input) % entries->len, plus);
    for (guint i = fuzz_take_u8 (input) % step; i < entries->len; i += step) {
        check_found (ino, &g_array_index (entries, Listed, i));
    }
}

/* ---- contents ---- */

/* The bytes of record @ino from @offset on, from its reader. */
static void
check_bytes (uint64_t ino, uint64_t offset, const FuzzReply *reply)
{
    g_auto (ArecView) view = {0};
    ArecfsNode node;

    if (arecfs_ino_is_control (ino)) {
        return;
    }
    g_assert_true (arecfs_tree_get (fuzz_server.tree, ino, &node, NULL));
    g_assert_true (arec_reader_read (node.file->reader, node.record, &view, NULL));
    g_assert_cmpuint (reply->size, <=, view.size - MIN (offset, view.size));
    g_assert_cmpmem (reply->data, reply->size, view.data + MIN (offset, view.size),
                     reply->size);
}

static void
check_read (uint64_t ino, ArecBytes *input)
{
    struct fuse_read_in arguments = {.offset = fuzz_take_number (input)};
    uint64_t there;
    struct fuse_attr attributes;
    bool has_attributes = get_attributes (ino, &attributes);
    FuzzReply reply;

    arguments.size = (uint32_t)(fuzz_take_number (input) % (MAX_REPLY + 1));
    reply = fuzz_kernel_ask (FUSE_READ, ino, &arguments, sizeof arguments, NULL);
    if ((reply.error == EINVAL && arguments.offset >> 63) ||
        (reply.error == EISDIR && has_attributes && S_ISDIR (attributes.mode))) {
        return;
    }
    check_error (reply.error);
    if (reply.error != 0) {
        return;
    }
    g_assert_true (has_attributes);
    there = attributes.size - MIN (arguments.offset, attributes.size);
    g_assert_cmpuint (reply.size, ==, MIN (arguments.size, there));
    check_bytes (ino, arguments.offset, &reply);
}

/* ---- extended attributes ---- */

static FuzzReply
get_xattr (uint64_t ino, const char *name, uint32_t size)
{
    struct fuse_getxattr_in arguments = {.size = size};

    return fuzz_kernel_ask (FUSE_GETXATTR, ino, &arguments, sizeof arguments, name);
}

static void
check_xattr (uint64_t ino, ArecBytes *input)
{
    static const char *const prefixes[] = {"", "user.", "user.arec.", "security."};
    static const char *const known[] = {"record", "chunk",      "source", "records",
                                        "chunks", "group_size", "codec",  "options"};
    unsigned which = fuzz_take_u8 (input);
    g_autofree char *text = fuzz_take_text (input, which >> 6 == 3 ? fuzz_take_u8 (input) : 0);
    g_autofree char *name =
        g_strconcat (prefixes[which % 4], which >> 6 == 3 ? text : known[which / 4 % 8], NULL);
    FuzzReply reply = get_xattr (ino, name, 0);
    uint32_t size;

    if (reply.error == EOPNOTSUPP || reply.error == ENODATA) {
        g_assert_true ((reply.error == ENODATA) == g_str_has_prefix (name, "user."));
        return;
    }
    check_error (reply.error);
    if (reply.error != 0) {
        return;
    }
    g_assert_cmpuint (reply.size, ==, sizeof (struct fuse_getxattr_out));
    size = ((const struct fuse_getxattr_out *)reply.data)->size;
    if (size > 0) {
        reply = get_xattr (ino, name, size);
        g_assert_cmpint (reply.error, ==, 0);
        g_assert_cmpuint (reply.size, ==, size);
    }
    if (size > 1) {
        g_assert_cmpint (get_xattr (ino, name, size - 1).error, ==, ERANGE);
    }
}

/* ---- requests ---- */

static uint64_t
take_ino (ArecBytes *input)
{
    switch (fuzz_take_u8 (input) % 6) {
    case 0: return ARECFS_INO_ROOT;
    case 1: return arecfs_ino_of_slot (1);
    case 2: return arecfs_ino_of_record (1, fuzz_take_number (input));
    case 3: return last_ino;
    case 4: return ARECFS_INO_CONTROL + fuzz_take_u8 (input);
    default: return fuzz_take_number (input);
    }
}

static void
look_up_any (uint64_t parent, ArecBytes *input)
{
    static const char *const known[] = {".",       "..",        ".arecfs", "x.array_record",
                                        "metrics", "stats.json"};
    unsigned which = fuzz_take_u8 (input);
    bool is_known = which >= 0xf0;
    g_autofree char *text = fuzz_take_text (input, is_known ? 0 : which);
    uint64_t ino = look_up (parent, is_known ? known[which % G_N_ELEMENTS (known)] : text);

    if (ino != 0) {
        last_ino = ino;
    }
}

/* Requests of which only the fact that they are answered is checked. */
static void
ask_simply (uint64_t ino, unsigned which)
{
    const struct fuse_open_in open = {0};
    const struct fuse_release_in release = {0};
    const struct fuse_flush_in flush = {0};
    const struct fuse_getxattr_in names = {.size = which & 1 ? 100 : 0};
    const struct fuse_forget_in forget = {.nlookup = which};
    uint64_t handle;

    switch (which % 8) {
    case 0: check_error (fuzz_kernel_ask (FUSE_STATFS, ino, NULL, 0, NULL).error); break;
    case 1:
        if (open_directory (ino, &handle)) {
            close_directory (ino, handle);
        }
        break;
    case 2:
        check_error (
            fuzz_kernel_ask (FUSE_RELEASEDIR, ino, &release, sizeof release, NULL).error);
        break;
    case 3: fuzz_kernel_ask (FUSE_OPEN, ino, &open, sizeof open, NULL); break;
    case 4: fuzz_kernel_ask (FUSE_RELEASE, ino, &release, sizeof release, NULL); break;
    case 5: fuzz_kernel_ask (FUSE_FLUSH, ino, &flush, sizeof flush, NULL); break;
    case 6: fuzz_kernel_ask (FUSE_LISTXATTR, ino, &names, sizeof names, NULL); break;
    case 7: fuzz_kernel_ask (FUSE_FORGET, ino, &forget, sizeof forget, NULL); break;
    }
}

static void
ask (ArecBytes *input)
{
    unsigned kind = fuzz_take_u8 (input) % 6;
    uint64_t ino = take_ino (input);
    struct fuse_attr attributes;

    switch (kind) {
    case 0: look_up_any (ino, input); break;
    case 1: check_listing (ino, input); break;
    case 2: get_attributes (ino, &attributes); break;
    case 3: check_read (ino, input); break;
    case 4: check_xattr (ino, input); break;
    case 5: ask_simply (ino, fuzz_take_u8 (input)); break;
    }
}

/* ---- the mount ---- */

/* The source as one of the forms that a user may type. @flat (out). NULL: it is refused. */
static ArecSourceList *
list_sources (unsigned layout, ArecBytes *input, const char *path, char **arguments, bool *flat)
{
    g_autoptr (ArecSourceList) sources = arec_source_list_new();
    int8_t ends[2] = {0};
    ArecBytes range;
    bool ok = true;

    *flat = layout % 4 < 2;
    switch (layout % 4) {
    case 0: /* one file, or some records of it */
        range = fuzz_take_bytes (input, layout & 4 ? sizeof ends : 0);
        memcpy (ends, range.at, arec_bytes_left (&range));
        arguments[0] = layout & 4 ? g_strdup_printf ("%s[%d:%d]", path, ends[0], ends[1])
                                  : g_strdup (path);
        break;
    case 1: /* the same file twice, as one sequence */
        arguments[0] = g_strdup (path);
        arguments[1] = g_strdup (path);
        break;
    case 2: arguments[0] = g_strdup (path); break; /* its directory in a tree */
    case 3: arguments[0] = g_path_get_dirname (path); break;
    }
    for (char **argument = arguments; *argument; argument++) {
        ok = ok && arec_source_list_add (sources, *argument, NULL, NULL);
    }
    return ok ? g_steal_pointer (&sources) : NULL;
}

static ArecReaderOptions
reader_options (unsigned how)
{
    static const ArecKind kinds[] = {AREC_KIND_AUTO, AREC_KIND_ARRAY_RECORD, AREC_KIND_RIEGELI};

    return (ArecReaderOptions){.index_storage =
                                   how & 1 ? AREC_INDEX_OFFLOADED : AREC_INDEX_IN_MEMORY,
                               .recover = how & 2,
                               .kind = kinds[(how >> 2) % G_N_ELEMENTS (kinds)]};
}

static ArecfsTree *
mount_tree (unsigned layout, const ArecReaderOptions *reader, ArecBytes *input,
            const char *path)
{
    static const char *const suffixes[] = {NULL, "auto", ".png", ".0"};
    ArecfsTreeOptions options = {.file = {.reader = reader,
                                          .plain_names = layout & 8,
                                          .suffix = suffixes[layout >> 4 & 3]}};
    g_auto (GStrv) arguments = g_new0 (char *, 3);
    g_autoptr (GError) error = NULL;
    g_autoptr (ArecSourceList) sources = NULL;
    ArecfsTree *tree;
    bool flat;

    sources = list_sources (layout, input, path, arguments, &flat);
    if (!sources) {
        return NULL;
    }
    tree = arecfs_tree_new (fuzz_server.engine, sources, flat, arguments, &options, &error);
    g_assert_true ((tree != NULL) == (error == NULL));
    return tree;
}

static void
serve (unsigned layout, const ArecReaderOptions *reader, ArecBytes *input, const char *path)
{
    ArecEngineOptions options = {.cache_size = CACHE_SIZE,
                                 .max_parallelism = 1,
                                 .max_chunk_size = FUZZ_MAX_CHUNK,
                                 .max_open_files = 4};

    fuzz_server.engine = arec_engine_new (&options);
    fuzz_server.tree = mount_tree (layout, reader, input, path);
    if (fuzz_server.tree) {
        fuzz_server.damage = arecfs_damage_log_new();
        fuzz_server.control =
            arecfs_control_new (&(ArecfsControlOptions){.counters = &fuzz_server.counters,
                                                        .engine = fuzz_server.engine,
                                                        .damage = fuzz_server.damage,
                                                        .tree = fuzz_server.tree});
        fuzz_server.known = arecfs_known_new (arecfs_tree_n_slots (fuzz_server.tree),
                                              layout & 0x80 ? 2 : 1000, 1000);
        fuzz_server.probes = arecfs_probes_new();
        fuzz_server.no_open = layout & 0x40;
        last_ino = ARECFS_INO_ROOT;
        for (unsigned i = 0; i < MAX_REQUESTS && arec_bytes_left (input) > 0; i++) {
            ask (input);
        }
        g_clear_pointer (&fuzz_server.control, arecfs_control_free);
        g_clear_pointer (&fuzz_server.damage, arecfs_damage_log_free);
        g_clear_pointer (&fuzz_server.known, arecfs_known_free);
        g_clear_pointer (&fuzz_server.probes, arecfs_probes_free);
        g_clear_pointer (&fuzz_server.tree, arecfs_tree_free);
    }
    g_clear_pointer (&fuzz_server.engine, arec_engine_unref);
}

/* Warnings of damage and messages of recovery are expected, thousands of them a second. */
static GLogWriterOutput
drop_message (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
    (void)data;
    return level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE)
               ? G_LOG_WRITER_HANDLED
               : g_log_writer_default (level, fields, n_fields, NULL);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    static bool started;
    ArecBytes input = arec_bytes (data, size);
    unsigned layout = fuzz_take_u8 (&input);
    uint64_t spoiled = fuzz_take_number (&input);
    ArecReaderOptions reader = reader_options ((unsigned)(spoiled >> SPOILED_BITS));
    g_autoptr (FuzzForgedFile) file = NULL;
    GByteArray *bytes;

    if (!started) {
        g_log_set_writer_func (drop_message, NULL, NULL);
        fuzz_kernel_start();
        started = true;
    }
    file = fuzz_forged_file_new (&input);
    bytes = file->forge->file;
    if (layout & 0x80) {
        bytes->data[spoiled % bytes->len] ^= 0x55;
    }
    fuzz_memory_bound (FUZZ_MAX_MEMORY);
    serve (layout, &reader, &input, fuzz_temp_file (bytes->data, bytes->len));
    fuzz_memory_unbound();
    return 0;
}
