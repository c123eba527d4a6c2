/* Between the public options of a writer and the codecs. Pure functions, any thread. */
#pragma once

#include <arec/writer_options.h>

#include "codec/compress.h"

/* How groups are compressed. @options  checked. */
ArecCodecOptions arec_writer_options_codec (const ArecWriterOptions *options);

/* Makes the writer compress by @codec. */
void arec_writer_options_set_codec (ArecWriterOptions *options, const ArecCodecOptions *codec);
