# What zsh offers: `zsh -f offer.zsh FOLDER` completes the end of each line of standard input with the functions in
# FOLDER.  It prints the line, a tab and a word, for every word offered.  zsh completes only where it has a terminal:
# zsh/zpty gives one to a second zsh, which reads this file too, and completes the lines at its first prompt.
if [[ ! -o interactive ]]; then
    zmodload zsh/zpty || exit
    export OFFER_FOLDER=$1 OFFER_LINES=$(cat) OFFER_WORDS=$(mktemp) TERM=dumb
    zpty second zsh -f -i
    zpty -w second " . ${(q)0}"
    while zpty -r second answer; do :; done
    cat $OFFER_WORDS
    rm -f $OFFER_WORDS
    exit
fi

fpath=($OFFER_FOLDER $fpath)
autoload -Uz compinit && compinit -u -D
LISTMAX=10000 # no question before a long list

# What is given to compadd is written down, unless an option before - or -- says that it is not to be offered.
compadd() {
    local -a words
    if [[ -z ${(M)@[1,(i)(-|--)]:#-[^-]#[OAD]} ]]; then
        builtin compadd -A words "$@"
        (( ! $#words )) || printf "$completed\t%s\n" $words >>$OFFER_WORDS
    fi
    builtin compadd "$@"
}

complete_lines() {
    for completed in ${(f)OFFER_LINES}; do
        BUFFER=$completed CURSOR=$#completed
        zle list-choices
    done
    exit
}
zle -N zle-line-init complete_lines
