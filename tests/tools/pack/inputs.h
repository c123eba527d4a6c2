/* What the tests of inputs share: a folder for their files, a FIFO that gives one byte at a
 * time, and all records of an input as one text. */
#pragma once

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include <arec/arec.h>

#include "pack/input.h"

typedef struct {
    char *folder;
    ToolNameList names;
    GString *reported; /* notes and damages, a line each */
    ToolInputOptions options;
} TestInputs;

static inline void
test_note (void *data, const char *text)
{
    TestInputs *inputs = data;

    g_string_append_printf (inputs->reported, "%s\n", text);
}

static inline void
test_damage (void *data, const char *name, uint64_t offset, const char *reason)
{
    TestInputs *inputs = data;

    g_string_append_printf (inputs->reported, "%s: at %" G_GUINT64_FORMAT ": %s\n", name,
                            offset, reason);
}

/* Goes into a new folder, which is where all paths of the test begin. */
static inline void
test_inputs_begin (TestInputs *inputs)
{
    g_autoptr (GError) error = NULL;

    *inputs = (TestInputs){.reported = g_string_new (NULL)};
    inputs->folder = g_dir_make_tmp ("arec-inputs-XXXXXX", &error);
    g_assert_no_error (error);
    g_assert_cmpint (chdir (inputs->folder), ==, 0);
    inputs->options = (ToolInputOptions){
        .names = &inputs->names,
        .max_record = 1 << 20,
        .note = test_note,
        .damage = test_damage,
        .data = inputs,
    };
}

static inline void
test_inputs_end (TestInputs *inputs)
{
    const char *argv[] = {"rm", "-rf", inputs->folder, NULL};

    g_assert_cmpint (chdir ("/"), ==, 0);
    g_assert_true (g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
                                 NULL, NULL, NULL, NULL));
    tool_name_list_clear (&inputs->names);
    g_string_free (inputs->reported, TRUE);
    g_free (inputs->folder);
}

static inline void
test_inputs_add (TestInputs *inputs, const char *name)
{
    g_assert_true (tool_name_list_add (&inputs->names, name, strlen (name), NULL));
}

static inline void
test_write (const char *name, const void *data, size_t size)
{
    g_autoptr (GError) error = NULL;

    g_file_set_contents (name, data, (gssize)size, &error);
    g_assert_no_error (error);
}

/* All records of @input (taken over), each with `|` after it, up to its end or *error. */
static inline char *
test_take_all (ToolInput *input, GError **error)
{
    GString *text = g_string_new (NULL);
    ToolInputRecord record;
    ToolInputStep step;

    while ((step = tool_input_next (input, &record, error)) == TOOL_INPUT_RECORD) {
        g_string_append_len (text, record.data, (gssize)record.size);
        g_string_append_c (text, '|');
    }
    g_assert_true ((step == TOOL_INPUT_FAILED) == (error && *error));
    tool_input_free (input);
    return g_string_free (text, FALSE);
}

/* The same of the input that @make makes of the files @names, which spaces separate. */
static inline char *
test_take_named (TestInputs *inputs, const char *names,
                 ToolInput *(*make) (const ToolInputOptions *options, GError **error),
                 GError **error)
{
    g_auto (GStrv) parts = g_strsplit (names, " ", -1);
    ToolInput *input;

    tool_name_list_clear (&inputs->names);
    for (size_t i = 0; parts[i]; i++) {
        test_inputs_add (inputs, parts[i]);
    }
    input = make (&inputs->options, error);
    return input ? test_take_all (input, error) : NULL;
}

/* ---- a FIFO whose writer gives one byte at a time ---- */

typedef struct {
    const char *path;
    const uint8_t *data;
    size_t size;
    pthread_t thread;
} TestDrip;

static inline void *
test_drip_run (void *data)
{
    TestDrip *drip = data;
    int fd = open (drip->path, O_WRONLY | O_CLOEXEC);

    g_assert_cmpint (fd, >=, 0);
    for (size_t i = 0; i < drip->size; i++) {
        /* EPIPE: the reader has seen enough. */
        if (write (fd, drip->data + i, 1) != 1) {
            break;
        }
        sched_yield();
    }
    close (fd);
    return NULL;
}

static inline void
test_drip_begin (TestDrip *drip, const char *path, const void *data, size_t size)
{
    *drip = (TestDrip){.path = path, .data = data, .size = size};
    g_assert_cmpint (mkfifo (path, 0600), ==, 0);
    g_assert_cmpint (pthread_create (&drip->thread, NULL, test_drip_run, drip), ==, 0);
}

static inline void
test_drip_end (TestDrip *drip)
{
    pthread_join (drip->thread, NULL);
    g_assert_cmpint (unlink (drip->path), ==, 0);
}
