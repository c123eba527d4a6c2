#include "pack/input_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <unistd.h>

#include <arec/arec.h>

#include "pack/file_list.h"
#include "pack/input_path.h"

enum { FIRST_CAPACITY = 64 * 1024 };

typedef struct {
    ToolInput base;
    ToolFileList list;
    ToolFileCursor cursor;
    int directory; /* of the file in work; AT_FDCWD: it was named itself */
    GString *name; /* of its record */
    uint8_t *data; /* of that file */
    size_t capacity;
} Files;

/* As arec_fail (), with the path of the file in work in front. */
static bool
fail (const Files *self, GError **error, ArecError code, const char *reason)
{
    g_autofree char *path = tool_file_list_path (&self->cursor);

    return arec_fail (error, code, "%s: %s", path, reason);
}

static bool
fail_open (const Files *self, int saved_errno, GError **error)
{
    g_autofree char *path = tool_file_list_path (&self->cursor);

    /* All were there when they were listed. */
    if (saved_errno == ENOENT || saved_errno == ENOTDIR || saved_errno == ELOOP) {
        return fail (self, error, AREC_ERROR_CHANGED, "is no longer there");
    }
    return tool_input_path_fail (path, saved_errno, error);
}

static void
close_directory (Files *self)
{
    if (self->directory >= 0) {
        close (self->directory);
    }
    self->directory = AT_FDCWD;
}

static bool
enter_directory (Files *self, GError **error)
{
    close_directory (self);
    if (!self->cursor.directory) {
        return true;
    }
    self->directory = open (self->cursor.directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (self->directory < 0) {
        int saved_errno = errno;

        self->directory = AT_FDCWD;
        return fail_open (self, saved_errno, error);
    }
    return true;
}

static bool
reserve (Files *self, size_t size, GError **error)
{
    size_t capacity = MAX (size, FIRST_CAPACITY);

    if (size <= self->capacity) {
        return true;
    }
    g_free (self->data);
    self->data = g_try_malloc (capacity);
    self->capacity = self->data ? capacity : 0;
    return self->data || fail (self, error, AREC_ERROR_NOMEM, "no memory for its bytes");
}

static bool
fail_read (const Files *self, size_t at, GError **error)
{
    g_autofree char *reason =
        g_strdup_printf ("at %zu: cannot read: %s", at, g_strerror (errno));

    return fail (self, error, AREC_ERROR_IO, reason);
}

/* Reads the file @fd of @size bytes. One byte more is asked for: so the one call that reads a
 * small file also shows that it has not grown. */
static bool
read_bytes (Files *self, int fd, size_t size, GError **error)
{
    size_t used = 0;
    bool at_end = false;

    if (!reserve (self, size + 1, error)) {
        return false;
    }
    while (used <= size && !at_end) {
        ssize_t n = read (fd, self->data + used, size + 1 - used);

        if (n < 0 && errno != EINTR) {
            return fail_read (self, used, error);
        }
        used += n > 0 ? (size_t)n : 0;
        /* A file gives less than it is asked for only where it ends. */
        at_end = n == 0 || (n > 0 && used == size);
    }
    if (used != size) {
        g_autofree char *reason =
            g_strdup_printf ("changed while it was read: %s%zu bytes instead of %zu",
                             used > size ? "at least " : "", used, size);

        return fail (self, error, AREC_ERROR_CHANGED, reason);
    }
    return true;
}

static bool
check_size (const Files *self, uint64_t size, GError **error)
{
    uint64_t most = MIN (self->base.options.max_record, SIZE_MAX - 1);
    g_autofree char *reason = NULL;

    if (size <= most) {
        return true;
    }
    reason = g_strdup_printf ("%" PRIu64 " bytes, a record may have %" PRIu64, size, most);
    return fail (self, error, AREC_ERROR_LIMIT, reason);
}

static bool
read_file (Files *self, ToolInputRecord *record, GError **error)
{
    /* A link that was none when it was listed is not followed. O_NONBLOCK: a file that has
     * become a FIFO would be waited for. */
    bool follow = !self->cursor.directory || self->base.options.dereference;
    int fd = openat (self->directory, self->cursor.name,
                     O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
    struct stat st;
    bool done;

    if (fd < 0) {
        return fail_open (self, errno, error);
    }
    if (fstat (fd, &st) != 0) {
        done = fail_read (self, 0, error);
    } else if (!S_ISREG (st.st_mode)) {
        done = fail (self, error, AREC_ERROR_CHANGED, "is no longer a file");
    } else {
        done = check_size (self, (uint64_t)st.st_size, error) &&
               read_bytes (self, fd, (size_t)st.st_size, error);
    }
    close (fd);
    tool_file_list_record_name (&self->cursor, self->name);
    *record = (ToolInputRecord){self->data, done ? (size_t)st.st_size : 0, self->name->str};
    return done;
}

static ToolInputStep
next_file (ToolInput *base, ToolInputRecord *record, GError **error)
{
    Files *self = (Files *)base;
    ArecPhaseMark mark;
    bool done;

    if (!tool_file_list_next (&self->list, &self->cursor)) {
        return TOOL_INPUT_END;
    }
    mark = arec_phases_enter (AREC_PHASE_READING);
    done = (!self->cursor.is_new_directory || enter_directory (self, error)) &&
           read_file (self, record, error);
    arec_phases_leave (mark);
    if (!done) {
        return TOOL_INPUT_FAILED;
    }
    base->progress.done++;
    return TOOL_INPUT_RECORD;
}

static char *
place_of_file (const ToolInput *base)
{
    return tool_file_list_path (&((const Files *)base)->cursor);
}

static void
free_files (ToolInput *base)
{
    Files *self = (Files *)base;

    close_directory (self);
    tool_file_list_clear (&self->list);
    g_string_free (self->name, TRUE);
    g_free (self->data);
    g_free (self);
}

/* Standard input has no end at which a file would begin. */
static bool
check_names (const ToolNameList *names, GError **error)
{
    const char *name;

    for (size_t at = 0; (name = tool_name_list_next (names, &at));) {
        if (tool_input_path_is_stdin (name)) {
            return arec_fail (
                error, AREC_ERROR_INVALID,
                "-: standard input is no file; --from says what a record of it is");
        }
    }
    return true;
}

ToolInput *
tool_input_files_new (const ToolInputOptions *options, GError **error)
{
    static const ToolInputOps ops = {next_file, place_of_file, free_files};
    g_autoptr (ToolInput) input = NULL;
    Files *self = g_new0 (Files, 1);

    input = &self->base;
    input->ops = &ops;
    input->options = *options;
    input->progress.counts_files = true;
    self->directory = AT_FDCWD;
    self->name = g_string_new (NULL);
    if (!check_names (options->names, error) ||
        !tool_file_list_fill (&self->list, input, error)) {
        return NULL;
    }
    input->progress.total = self->list.n_files;
    input->n_records = self->list.n_files;
    return g_steal_pointer (&input);
}
