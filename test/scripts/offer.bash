# shellcheck shell=bash
# What bash offers: `bash offer.bash FOLDER` completes the end of each line of standard input with the functions in
# FOLDER.  It prints the line, a tab and a word, for every word offered.
folder=$1
while IFS= read -r line; do
    read -ra COMP_WORDS <<<"${line//=/ = }"
    [[ $line != *[\ =] ]] || COMP_WORDS+=('')
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)) COMPREPLY=()
    # shellcheck disable=SC1090
    . "$folder/${COMP_WORDS[0]##*/}"
    registered=$(complete -p "${COMP_WORDS[0]##*/}")
    [[ $registered =~ -F\ ([^ ]+) ]] || exit
    "${BASH_REMATCH[1]}" "${COMP_WORDS[0]}" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    ((${#COMPREPLY[@]} == 0)) || printf "$line\t%s\n" "${COMPREPLY[@]}"
done
