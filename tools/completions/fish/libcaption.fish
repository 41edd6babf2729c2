# What the tools' completions for fish share.  They ask the tool for its --help, so they offer the options that this
# tool has.  They know by themselves only what --help doesn't say: values and endings of files.

# OPTION: the words that it takes
function __libcaption_words
    switch $argv[1]
        case cpu
            printf '%s\n' avx512vnni avx512 avx2vnni avx2 neondot neon c
        case conv
            printf '%s\n' auto direct winograd im2col
        case penalty-form
            printf '%s\n' published corrected
        case colors
            printf '%s\n' viridis jet
        case map
            printf '%s\n' attention gradcam occlusion
        case format
            printf '%s\n' jsonl tsv csv tar
        case wordnet
            printf '%s\n' none
    end
end

# COMMAND:OPTION, or COMMAND: for its arguments; the endings of files
function __libcaption_endings
    switch $argv[1]
        case '*:model' '*:compare' capinfo: capconvert:output
            echo 'capw'
        case capdemo: capdump:
            echo 'jpg|jpeg|png|webp|heic|heif|avif|gif|tif|tiff'
        case capbatch:
            echo 'jpg|jpeg|png|webp|heic|heif|avif|gif|tif|tiff|tar|tgz|gz|zst'
        case capconvert:
            echo 'pth|pt|safetensors|capw'
        case '*:to-safetensors'
            echo 'safetensors'
        case '*:vocab'
            echo 'pkl|json'
        case '*:config' '*:metrics'
            echo 'json'
        case '*:refs'
            echo 'txt|csv'
        case 'capbatch merge:'
            echo 'jsonl|tsv|csv'
        case 'capeval score:' '*:preds'
            echo 'tsv|json|jsonl|txt'
        case '*:per-image' 'capeval run:output'
            echo 'tsv'
    end
end

# folders and files
function __libcaption_files
    complete -C "__libcaption_no_such_tool "(commandline -ct | string replace -r -- '^--[a-z0-9-]+=' '')
end

function __libcaption_folders
    __libcaption_files | string match -r '^.*/(?:\t.*)?$'
end

# ENDINGS: folders and files with these endings; every file where there is no such file, or no ending
function __libcaption_files_with
    set -l files (__libcaption_files)
    set -l ending (test -n "$argv[1]"; and echo "\.(?:$argv[1])"; or echo '.')
    string match -ri -- "^[^\t]*(?:/|$ending)(?:\t.*)?\$" $files; or printf '%s\n' $files
end

# CONDITION, TOOL, its command if any: the options in a --help, and the files that are arguments
function __libcaption_options
    set -l name (string join ' ' $argv[2..])
    set -l common -c $argv[2] -n $argv[1]
    # a description may go on below itself, in column 25
    for line in (string replace -ra '\n {24}' ' ' -- (command $argv[2..] --help | string collect))
        string match -rq '^  (?:-(?<short>\w), )?--(?<long>[a-z0-9-]+)(?: (?<value>[A-Z]+))?(?: +(?<text>.*))?$' -- $line
        or continue
        set -l endings (__libcaption_endings $name:$long)
        set -l option $common -l $long -d (string replace -r ' *\(default:.*' '' -- $text)
        test -n "$short"; and set -a option -s $short
        switch "$value"
            case ''
                complete $option
            case FILE
                complete $option -x -a "(__libcaption_files_with '$endings')"
            case DIR
                complete $option -x -a "(__libcaption_words $long) (__libcaption_folders)"
            case '*'
                complete $option -x -a "(__libcaption_words $long)"
        end
    end
    set -l endings (__libcaption_endings $name:)
    test -n "$endings"; and complete $common -a "(__libcaption_files_with '$endings')"
end

# TOOL: all that can follow it
function __libcaption_define
    command -q $argv[1]; or return
    set -l commands
    complete -c $argv[1] -f
    for line in (command $argv[1] --help)
        string match -rq '^  (?<name>[a-z]+)  +(?<text>.*)$' -- $line; or continue
        set -a commands $name
        complete -c $argv[1] -n __fish_use_subcommand -a $name -d $text
        __libcaption_options "__fish_seen_subcommand_from $name" $argv[1] $name
    end
    __libcaption_options "not __fish_seen_subcommand_from $commands" $argv[1]
end
