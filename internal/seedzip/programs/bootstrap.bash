#!/bin/bash
# Placeholder of terraform-provider-lambdaseed, until the application is deployed.
# HTTP callers get a 503; every other event fails, so that queues and streams keep it.
# It needs bash 4.2, curl, mktemp and rm, as provided.al2 and provided.al2023 have them.
LC_ALL=C TZ=UTC
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation
name=$AWS_LAMBDA_FUNCTION_NAME
[[ $name =~ ^[A-Za-z0-9_-]+$ ]] || name=
subject="${name:+The Lambda function $name}"
subject="${subject:-This Lambda function} still runs its placeholder package"

# The first rule whose conditions all hold: kind of event, headers of the answer, conditions.
rules='__RULES__'

# recognise reads an event from standard input and sets kind and headers.
recognise() {
  local known=' ' rule_kind rule_headers conditions condition
  kind=invalid headers=-
  scan || return
  while read -r rule_kind rule_headers conditions; do
    for condition in $conditions; do
      [[ $known == *" $condition "* ]] || continue 2
    done
    kind=$rule_kind headers=$rule_headers
    return
  done <<<"$rules"
  kind=other
}

# scan walks over the JSON, 1024 bytes at a time, and puts what the rules ask for into known.
# It fails at what it cannot follow.
scan() {
  local part end text word quoted string key inner path nest done tokens want=value
  local behind='[][{},:"[:space:]]*'
  local -a paths
  until [ "$end" ]; do
    IFS= read -r -d '' -n 1024 part || end=1
    text+=$part
    while [ "$text" ]; do
      if [ "$quoted" ]; then
        word=${text%%[\"\\]*}
        [ ${#string} -gt 99 ] || string+=$word
        text=${text:${#word}}
        if [[ $text == \\* ]]; then
          string=\\ # no name and no value of the rules has an escape in it
          [[ $text =~ ^([^\"\\]|\\.)* ]]
          text=${text:${#BASH_REMATCH[0]}}
        fi
        [[ $text == \"* ]] || break # it goes on
        text=${text:1} quoted=''
        case $want in
        key*) key=$string want=colon ;;
        value*) note string ;;
        *) return 1 ;;
        esac || return 1
      else
        word=${text:0:1}
        case $word in
        [[:space:]])
          word=${text%%[![:space:]]*}
          text=${text:${#word}}
          continue
          ;;
        \")
          string='' quoted=1 text=${text:1}
          continue
          ;;
        [!][{},:])
          word=${text%%$behind}
          # It may go on, but not for long.
          [[ $word != "$text" || $end ]] || break
          ;;
        esac
        [ ${#word} -lt 1024 ] || return 1
        text=${text:${#word}}
        case $want$word in
        value*'{') note object && paths[${#nest}]=$path path=$inner nest+=o want=key-or-end ;;
        value*'[') note array && paths[${#nest}]=$path path=- nest+=a want=value-or-end ;;
        'key-or-end}' | 'comma}') [[ $nest == *o ]] && pop ;;
        'value-or-end]' | 'comma]') [[ $nest == *a ]] && pop ;;
        'comma,') if [[ $nest == *a ]]; then want=value; else want=key; fi ;;
        'colon:') want=value ;;
        value*[][{},:]) return 1 ;;
        value*) note scalar ;;
        *) return 1 ;;
        esac || return 1
      fi
      [ -z "$done" ] || return 0
      # No request has that much in it; a queue or a person may send it.
      ((++tokens < 99999)) || { known=' ' && return 0; }
    done
  done
  [[ ! $quoted && $want = end ]]
}

# note takes a value in: its member, if the rules ask for that, and what may follow it. Its
# argument is what the value is.
note() {
  local member=$path$key
  want=comma inner=-
  if [ -z "$nest" ]; then
    inner='' want=end
    [ "$1" = object ] || done=1 # whatever is not an object is not a request
    return 0
  fi
  [ ${#nest} -le 1000 ] || return 1
  [[ $path != - ]] || return 0
  [[ $key != *\\* ]] || return 1 # services do not write names like that
  [[ $key =~ ^[A-Za-z-]+$ ]] || return 0
  [[ $rules != *" $member."* ]] || inner=$member.
  [[ $inner != - || $rules == *" $member="* ]] || return 0
  [[ $known != *" $member="* ]] || return 1 # it is there twice
  known+="$member=present $member=$1 "
  [[ $1 != string || ! $string =~ ^[0-9.]+$ ]] || known+="$member=$string "
  [[ $rules != *" - $member=present"* ]] || done=1 # whatever follows, it is not a request
}

pop() {
  nest=${nest%?}
  path=${paths[${#nest}]}
  want=comma
  [ "$nest" ] || want=end
}

log() { # LEVEL OUTCOME MESSAGE
  printf '{"timestamp":"%(%Y-%m-%dT%H:%M:%S)TZ","level":"%s","requestId":"%s","event":"%s","outcome":"%s","message":"%s"}\n' \
    -1 "$1" "$id" "$kind" "$2" "$3"
}

# request is curl without the proxy and the settings that may be there for the application, and
# without a time limit: Lambda freezes the function while it waits.
request() {
  curl -q -s -S -f --noproxy '*' -H 'Content-Type: application/json' "$@"
}

folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
# curl leaves the file as it is when an event is empty.
while : >"$folder/event" && request -D "$folder/headers" -o "$folder/event" "$api/next"; do
  id=
  while IFS=': ' read -r header value; do
    [[ ${header,,} != lambda-runtime-aws-request-id ]] || id=${value%$'\r'}
  done <"$folder/headers"
  [[ $id =~ ^[A-Za-z0-9_-]+$ ]] || exit 1
  recognise <"$folder/event"
  if [ "$headers" = - ]; then
    log ERROR function-error "the placeholder package failed an event: deploy the application's package"
    request -H 'Lambda-Runtime-Function-Error-Type: Function.PlaceholderPackage' -o /dev/null -d @- "$api/$id/error" <<EOF || exit 1
{"errorMessage":"$subject, so this event was not processed. Deploy the application's package, for example with \"aws lambda update-function-code --function-name ${name:-FUNCTION} --zip-file fileb://PACKAGE.zip\".","errorType":"Function.PlaceholderPackage","stackTrace":[]}
EOF
  else
    log WARN http-503 'the placeholder package answered an HTTP request'
    a='' z=''
    [ "$headers" = headers ] || a='[' z=']'
    request -o /dev/null -d @- "$api/$id/response" <<EOF || exit 1
{"statusCode":503,"$headers":{"Content-Type":$a"application/json"$z,"Cache-Control":$a"no-store"$z,"Retry-After":$a"60"$z},"body":"{\"message\":\"$subject: the application has not been deployed yet. Try again later.\"}","isBase64Encoded":false}
EOF
  fi
done
exit 1
