/* Linked into arecfs where LeakSanitizer is used: leaks of libraries, which we cannot free. */

const char *__lsan_default_options (void);
const char *__lsan_default_suppressions (void);

const char *
__lsan_default_options (void)
{
    return "print_suppressions=0";
}

const char *
__lsan_default_suppressions (void)
{
    /* fuse_open_channel () of libfuse keeps its own list of arguments, once. */
    return "leak:fuse_opt_add_arg\n";
}
