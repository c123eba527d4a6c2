"""The settings that the performance guide of the reference recommends, as it writes them.

The heading above each is that of its section there. Profiles of both programs are compared with these tables.
"""

# Reader options by profile. The heading of the guide is the comment.
READER = {
    # Sequential Access (Default)
    "sequential": {"readahead_buffer_size": "16MB", "max_parallelism": "auto"},
    # Random Access
    "random": {"readahead_buffer_size": "0", "max_parallelism": "0", "index_storage_option": "in_memory"},
    # Batch Processing
    "batch": {"readahead_buffer_size": "4MB", "max_parallelism": "2"},
    # Low Memory Configuration
    "low-memory": {"readahead_buffer_size": "1MB", "max_parallelism": "1", "index_storage_option": "offloaded"},
    # High Memory Configuration
    "high-memory": {"readahead_buffer_size": "128MB", "max_parallelism": "8", "index_storage_option": "in_memory"},
    # Cloud Storage Optimizations
    "cloud": {"readahead_buffer_size": "32MB", "max_parallelism": "4"},
    # Memory-Constrained Environments
    "constrained": {"readahead_buffer_size": "512KB", "max_parallelism": "1", "index_storage_option": "offloaded"},
    # Platform-Specific Optimizations, Linux
    "linux": {"readahead_buffer_size": "64MB", "max_parallelism": "8"},
    # General Guidelines: mixed access 2-4 threads; medium buffers 4-16MB
    "mixed": {"readahead_buffer_size": "4MB", "max_parallelism": "4"},
}

# Writer options by profile.
WRITER = {
    # Maximum Random Access Performance
    "random": "group_size:1",
    # Balanced Performance, of "Writer Configuration"
    "balanced": "group_size:100,brotli:6",
    # Maximum Compression
    "archive": "group_size:1000,brotli:9",
    # High Throughput Writing
    "throughput": "group_size:10000,max_parallelism:8,snappy",
    # Low Latency Writing
    "low-latency": "group_size:100,max_parallelism:1,snappy",
    # Low Memory Configuration
    "low-memory": "group_size:500,max_parallelism:1",
    # High Memory Configuration
    "high-memory": "group_size:5000,max_parallelism:8",
    # Cloud Storage Optimizations
    "cloud": "group_size:5000,brotli:6,max_parallelism:4",
    # Memory-Constrained Environments
    "constrained": "group_size:200,snappy,max_parallelism:1",
}
