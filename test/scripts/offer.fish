# What fish offers: `fish --no-config offer.fish FOLDER` completes the end of each line of standard input with the files
# in FOLDER.  It prints the line, a tab and a word, for every word offered.
set -g fish_complete_path $argv[1]
while read -l line
    for word in (complete -C $line | string replace -r '\t.*' '')
        printf '%s\t%s\n' $line $word
    end
end
