/* snappy_block.c: see snappy_block.h. */
#include "wire/snappy_block.h"

#include <assert.h>
#include <snappy-c.h>

#include "base/mem.h"

enum err snappy_block_unpack(struct str block, size_t limit_bytes, char **ret_bytes, size_t *ret_size,
			     struct error *err)
{
	size_t size = 0;
	if (block.len == 0 || snappy_uncompressed_length(block.ptr, block.len, &size) != SNAPPY_OK)
		return error_set(err, ERR_INVALID, "the body is not a block of snappy");
	if (size > limit_bytes)
		return error_set(err, ERR_TOO_LARGE, "the body would be %zu bytes when it is unpacked: %zu are allowed", size,
				 limit_bytes);
	char *bytes = mem_alloc(size + 1);
	if (snappy_uncompress(block.ptr, block.len, bytes, &size) != SNAPPY_OK) {
		mem_free(bytes);
		return error_set(err, ERR_INVALID, "the body is a damaged block of snappy");
	}
	*ret_bytes = bytes;
	*ret_size = size;
	return OK;
}

void snappy_block_pack(struct str bytes, char **ret_block, size_t *ret_size)
{
	size_t size = snappy_max_compressed_length(bytes.len);
	char *block = mem_alloc(size);
	snappy_status status = snappy_compress(bytes.ptr, bytes.len, block, &size);
	assert(status == SNAPPY_OK);
	*ret_block = block;
	*ret_size = size;
}
