# fish completion for arecfs
# Made by tools/completions/make; changes are made there.

function __arecfs_mount_words
    set -l list (commandline -ct | string match -r '.*,' | string replace -r '^-(-options=|o)' '')
    for word in allow_other uid= gid= umask= fmask= dmask= fsname= max_read= cache-size= readahead-buffer-size= max-parallelism= index-storage-option= reader-options= profile= merge names= suffix= files-from= pattern= recover strict kind= no-push index-dir= request-deadline= max-requests= prefetch= endpoint-url= region= addressing= aws-profile= anonymous requester-pays billing-project= cache-dir= cache-dir-size= idle-unmount= log-level= log-file=
        echo "$list$word"
    end
end

complete -c arecfs -s f -l foreground -d 'stay in the foreground'
complete -c arecfs -s d -l debug -d 'a line for each request, in the foreground'
complete -c arecfs -s o -l options -x -a '(__arecfs_mount_words)' -d 'mount options: allow_other, uid=N, gid=N, umask=MODE, fsname=NAME ...'
complete -c arecfs -s u -l unmount -d 'arecfs -u MOUNTPOINT...: unmount'
complete -c arecfs -s h -l help -d 'this text'
complete -c arecfs -s V -l version -d 'versions of this program and of its libraries'
complete -c arecfs -l cache-size -x -a 'auto' -d 'memory for decoded chunks (default: an eighth of it)'
complete -c arecfs -l readahead-buffer-size -x -a 'auto' -d 'decoded ahead of each reader in order (default: auto; 0: nothing)'
complete -c arecfs -l max-parallelism -x -a 'auto' -d 'chunks loaded at the same time, at most 1024; 0: no thread for it'
complete -c arecfs -l index-storage-option -x -a 'in_memory offloaded' -d 'where the index is kept; offloaded: in a file, for little memory'
complete -c arecfs -l reader-options -x -d 'options as the reference\'s reader takes them'
complete -c arecfs -l profile -x -a 'sequential random batch mixed low-memory constrained high-memory cloud linux' -d 'settings for a way of reading: random, low-memory, ... (see arecfs(1))'
complete -c arecfs -l merge -d 'show all sources as one sequence of records'
complete -c arecfs -l names -x -a 'padded plain' -d 'how record numbers are written'
complete -c arecfs -l suffix -x -a 'auto' -d 'append to every record\'s name'
complete -c arecfs -l files-from -r -F -d 'more SOURCEs, one a line of FILE'
complete -c arecfs -l pattern -x -d 'in directories, these files count too'
complete -c arecfs -l recover -d 'mount what a scan finds where an index is damaged or lost'
complete -c arecfs -l strict -d 'what cannot be read or opened, or a shard that is missing, is an error'
complete -c arecfs -l kind -x -a 'array_record riegeli' -d 'take the sources for this kind'
complete -c arecfs -l no-push -d 'do not put what a reader in order will want next into the page cache'
complete -c arecfs -l index-dir -x -a '(__fish_complete_directories (commandline -ct | string replace -r "^-[^=]*=" ""))' -d 'folder of the file for offloaded indexes (default: $TMPDIR)'
complete -c arecfs -l request-deadline -x -a 'auto' -d 'how long a server may take for a range (default: 60)'
complete -c arecfs -l max-requests -x -a 'auto' -d 'requests to a server at the same time (default: 32)'
complete -c arecfs -l prefetch -x -a 'auto' -d 'bytes that servers are asked for ahead of readers (default: auto)'
complete -c arecfs -l endpoint-url -x -d 'server of s3:// and gs:// (default: by scheme and region)'
complete -c arecfs -l region -x -d 'region of S3 (default: as AWS\'s tools find it, else us-east-1)'
complete -c arecfs -l addressing -x -a 'auto virtual path' -d 'whether buckets stand in hosts or in paths'
complete -c arecfs -l aws-profile -x -d 'profile of AWS\'s files (default: AWS_PROFILE, else default)'
complete -c arecfs -l anonymous -d 'look for no credentials, and sign nothing'
complete -c arecfs -l requester-pays -d 'pay for requests to buckets of S3 whose owners do not'
complete -c arecfs -l billing-project -x -d 'project of Google Cloud that pays for requests'
complete -c arecfs -l cache-dir -x -a '(__fish_complete_directories (commandline -ct | string replace -r "^-[^=]*=" ""))' -d 'folder that keeps what servers give, or default for the usual one'
complete -c arecfs -l cache-dir-size -x -a 'auto' -d 'disk that it may use (default: 10G, at most half of the rest)'
complete -c arecfs -l idle-unmount -x -d 'unmount and exit after that long without use'
complete -c arecfs -l log-level -x -a 'error warning message info debug' -d 'error, warning, message, info or debug'
complete -c arecfs -l log-file -r -F -d 'log there, not to syslog'
