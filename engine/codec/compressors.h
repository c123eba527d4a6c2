/* Functions for each codec, with the contracts of arec_compress (), whose @in is not NULL, of
 * arec_compress_bound () and arec_compress_memory (). Options are within the limits. Private to
 * this room.
 *
 * And for each of them its steps, from open to close, with which compress_stream.h compresses
 * what is more than a piece.
 */
#pragma once

#include "codec/block_keeper.h"
#include "codec/compress.h"
#include "codec/compress_stream.h"

/* Large windows only where the window log asks for one. */
const char *arec_brotli_compress (const ArecCodecOptions *options, const uint8_t *in,
                                  size_t in_size, uint8_t *out, size_t capacity,
                                  size_t *out_size);
size_t arec_brotli_compress_bound (size_t size);
size_t arec_brotli_compress_memory (const ArecCodecOptions *options, size_t size);
/* Bytes that this thread keeps for its encoders. */
size_t arec_brotli_compress_kept (void);
void arec_brotli_compress_release (void);

/* The same with memory of @keeper, none of which is in use before and after. */
const char *arec_brotli_compress_in (ArecBlockKeeper *keeper, const ArecCodecOptions *options,
                                     const uint8_t *in, size_t in_size, uint8_t *out,
                                     size_t capacity, size_t *out_size);

/* One frame that tells its content size and has no checksum. */
const char *arec_zstd_compress (const ArecCodecOptions *options, const uint8_t *in,
                                size_t in_size, uint8_t *out, size_t capacity,
                                size_t *out_size);
size_t arec_zstd_compress_bound (size_t size);
size_t arec_zstd_compress_memory (const ArecCodecOptions *options, size_t size);
/* Bytes that this thread keeps for its encoder. */
size_t arec_zstd_compress_kept (void);
void arec_zstd_compress_release (void);

/* One raw block. */
const char *arec_snappy_compress (const uint8_t *in, size_t in_size, uint8_t *out,
                                  size_t capacity, size_t *out_size);
size_t arec_snappy_compress_bound (size_t size);
size_t arec_snappy_compress_memory (size_t size);

/* The reason when @capacity is too little. */
extern const char arec_codec_no_room[];

/* Whether there are such a level and window log, the reason when there are not, and the phase
 * in which a thread compresses. */
bool arec_compress_has_options (const ArecCodecOptions *options);
extern const char arec_codec_no_such_options[];
ArecPhase arec_compress_phase (const ArecCodecOptions *options);

/* What a stream is compressed in, where the codec does not say otherwise. */
#define AREC_COMPRESS_PIECE ((size_t)256 * 1024)

typedef struct {
    const uint8_t *at;
    size_t size; /* the piece size; of the last one up to that, at least 1 */
    bool is_last;
} ArecCompressPiece;

/* Reasons are those of arec_compress_stream_add (). */
typedef struct {
    /* For a stream of @size bytes; NULL: AREC_COMPRESS_PIECE. */
    size_t (*piece_size) (const ArecCodecOptions *options, uint64_t size);
    /* For @size bytes, more than a piece.
     * @encoder  (out, transfer full) untouched on failure. */
    const char *(*open) (const ArecCodecOptions *options, uint64_t size, void **encoder);
    /* Nothing but closing makes sense after a failure. */
    const char *(*step) (void *encoder, const ArecCompressPiece *piece,
                         const ArecCompressOutput *output);
    void (*close) (void *encoder);
} ArecStreamCompressor;

extern const ArecStreamCompressor arec_brotli_stream_compressor;
extern const ArecStreamCompressor arec_zstd_stream_compressor;
extern const ArecStreamCompressor arec_snappy_stream_compressor;
